using System.Buffers.Binary;

namespace Fairlead.Engine.Kernels.Machine;

/// <summary>A general register, by its number in an instruction. Under the System V convention a called function may overwrite them, but for those that it has to put back.</summary>
internal enum Register
{
    Rax = 0,
    Rcx = 1,
    Rdx = 2,

    /// <summary>To be put back.</summary>
    Rbx = 3,
    Rsi = 6,

    /// <summary>The first argument.</summary>
    Rdi = 7,
    R8 = 8,
    R9 = 9,
    R10 = 10,
    R11 = 11,

    /// <summary>To be put back.</summary>
    R14 = 14,

    /// <summary>To be put back.</summary>
    R15 = 15,
}

/// <summary>A place in memory: <paramref name="Base"/> + <paramref name="Offset"/>.</summary>
internal readonly record struct Place(Register Base, int Offset);

/// <summary>Writes machine code for 64-bit x86: the few instructions that .NET has no name for, and what they need around them.</summary>
/// <remarks>
/// Encodings are those of Intel's manual, volume 2 (VEX: 2.3, EVEX: 2.7). Every offset takes four bytes, so that an instruction has one length and EVEX's
/// scaled offsets do not come in. Vector registers are of 512 bits, numbered 0 to 31; tiles 0 to 7.
/// </remarks>
internal sealed class X64Assembler
{
    private const int NoIndex = -1;
    private readonly List<byte> _code = [];

    /// <summary>What was written.</summary>
    public ReadOnlySpan<byte> Code => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_code);

    /// <summary>The place that the next instruction gets, to be jumped back to.</summary>
    public int Here => _code.Count;

    /// <summary>register = memory (64 bits).</summary>
    public void Load(Register to, Place from) => General(0x8b, (int)to, from);

    /// <summary>memory = register (64 bits).</summary>
    public void Store(Place to, Register from) => General(0x89, (int)from, to);

    /// <summary>register = a number.</summary>
    public void Set(Register to, int value) => Immediate(0xc7, 0, to, value);

    /// <summary>register = register.</summary>
    public void Copy(Register to, Register from) => Pair(0x89, to, from);

    /// <summary>register += a number.</summary>
    public void Add(Register to, int value) => Immediate(0x81, 0, to, value);

    /// <summary>register += register.</summary>
    public void Add(Register to, Register value) => Pair(0x01, to, value);

    /// <summary>Puts a register away.</summary>
    public void Push(Register register) => OneByte(0x50, register);

    /// <summary>Takes back what was put away last.</summary>
    public void Pop(Register register) => OneByte(0x58, register);

    /// <summary>register −= 1; sets the flag that <see cref="JumpIfNotZero"/> looks at.</summary>
    public void Decrement(Register register) => Bytes((byte)(0x48 | ((int)register >> 3)), 0xff, (byte)(0xc8 | ((int)register & 7)));

    /// <summary>Sets the flag that <see cref="JumpIfZero"/> looks at.</summary>
    public void Test(Register register) => Pair(0x85, register, register);

    /// <summary>Back to <paramref name="target"/>, unless the last result was zero.</summary>
    public void JumpIfNotZero(int target)
    {
        Bytes(0x0f, 0x85);
        Number(target - (_code.Count + 4));
    }

    /// <summary>Forward, if the last result was zero, to where the returned jump is given to <see cref="Land"/>.</summary>
    public int JumpIfZero()
    {
        Bytes(0x0f, 0x84);
        Number(0);
        return _code.Count;
    }

    /// <summary>A jump that was written before comes out here.</summary>
    public void Land(int jump) =>
        BinaryPrimitives.WriteInt32LittleEndian(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_code)[(jump - 4)..], _code.Count - jump);

    /// <summary>Asks for a cache line, for all levels but the first.</summary>
    public void Prefetch(Place line) => Prefetch(2, line);

    /// <summary>Asks for a cache line, for all levels.</summary>
    public void PrefetchNearest(Place line) => Prefetch(1, line);

    public void Return() => Bytes(0xc3);

    /// <summary>Forgets the upper parts of vector registers 0 to 15, as code that knows nothing of them wants it.</summary>
    public void ZeroUpper() => Bytes(0xc5, 0xf8, 0x77);

    /// <summary>vector = 16 singles or 64 bytes of memory.</summary>
    public void LoadVector(int to, Place from) => Vector(0x10, 0, 1, to, 0, from);

    /// <summary>memory = vector.</summary>
    public void StoreVector(Place to, int from) => Vector(0x11, 0, 1, from, 0, to);

    /// <summary>vector = 16 whole numbers of memory as singles.</summary>
    public void ConvertToSingle(int to, Place from) => Vector(0x5b, 0, 1, to, 0, from);

    /// <summary>to = a as singles, which were whole numbers.</summary>
    public void ConvertToSingle(int to, int from) => Vector(0x5b, 0, 1, to, 0, from);

    /// <summary>to = a − b.</summary>
    public void Subtract(int to, int a, int b) => Vector(0x5c, 0, 1, to, a, b);

    /// <summary>to = a + b, whole numbers of 32 bits.</summary>
    public void AddWhole(int to, int a, int b) => Vector(0xfe, 1, 1, to, a, b);

    /// <summary>to = a + b.</summary>
    public void AddSingles(int to, int a, int b) => Vector(0x58, 0, 1, to, a, b);

    /// <summary>to = to · scale + offset, rounded once.</summary>
    public void MultiplyAdd(int to, int scale, int offset) => Vector(0x98, 1, 2, to, offset, scale);

    /// <summary>to = a · b.</summary>
    public void Multiply(int to, int a, int b) => Vector(0x59, 0, 1, to, a, b);

    /// <summary>to = a · one single of memory + to, rounded once.</summary>
    public void MultiplyAddBroadcast(int to, int a, Place single) => Vector(0xb8, 1, 2, to, a, single, broadcast: true);

    /// <summary>to = −a · one single of memory + to, rounded once.</summary>
    public void NegativeMultiplyAddBroadcast(int to, int a, Place single) => Vector(0xbc, 1, 2, to, a, single, broadcast: true);

    /// <summary>to = a with the bits that differ from b's.</summary>
    public void ExclusiveOr(int to, int a, int b) => Vector(0xef, 1, 1, to, a, b);

    /// <summary>to = a with the bits that differ from 64 bytes of memory.</summary>
    public void ExclusiveOr(int to, int a, Place from) => Vector(0xef, 1, 1, to, a, from);

    /// <summary>to = a · b + to, rounded once.</summary>
    public void AddProduct(int to, int a, int b) => Vector(0xb8, 1, 2, to, a, b);

    /// <summary>to = to − a · b, rounded once.</summary>
    public void SubtractProduct(int to, int a, int b) => Vector(0xbc, 1, 2, to, a, b);

    /// <summary>to = the bits that a and b share.</summary>
    public void And(int to, int a, int b) => Vector(0xdb, 1, 1, to, a, b);

    /// <summary>to = the bits that a shares with 64 bytes of memory.</summary>
    public void And(int to, int a, Place from) => Vector(0xdb, 1, 1, to, a, from);

    /// <summary>to = the bits of both.</summary>
    public void Or(int to, int a, int b) => Vector(0xeb, 1, 1, to, a, b);

    /// <summary>to = its own bits and those that a and b share.</summary>
    public void OrAnd(int to, int a, int b)
    {
        Vector(0x25, 1, 3, to, a, b);
        Bytes(0xf8); // the table of to | (a and b)
    }

    /// <summary>to = the bits that it shares with a, and those of b.</summary>
    public void AndOr(int to, int a, int b)
    {
        Vector(0x25, 1, 3, to, a, b);
        Bytes(0xea); // the table of (to and a) | b
    }

    /// <summary>to = 32 numbers of 16 bits, moved up by <paramref name="bits"/>.</summary>
    public void ShiftWordsLeft(int to, Place from, int bits) => Shift(6, to, from, bits);

    /// <summary>to = 32 numbers of 16 bits, moved down by <paramref name="bits"/>.</summary>
    public void ShiftWordsRight(int to, Place from, int bits) => Shift(2, to, from, bits);

    /// <summary>to = 16 numbers of 32 bits, moved down by <paramref name="bits"/>.</summary>
    public void ShiftRight(int to, int from, int bits)
    {
        Vector(0x72, 1, 1, 2, to, from);
        Bytes((byte)bits);
    }

    /// <summary>to = 16 numbers of 32 bits, moved up by <paramref name="bits"/>.</summary>
    public void ShiftLeft(int to, int from, int bits)
    {
        Vector(0x72, 1, 1, 6, to, from);
        Bytes((byte)bits);
    }

    /// <summary>mask register = 64 bits of memory.</summary>
    public void LoadMask(int mask, Place from)
    {
        Bytes(0xc4, (byte)(0xc1 | ((int)from.Base < 8 ? 0x20 : 0)), 0xf8, 0x90);
        Operand(mask, from, NoIndex);
    }

    /// <summary>to = a + b where the mask's bit is set, 64 bytes; to's others stay.</summary>
    public void AddBytesWhere(int mask, int to, int a, int b) => Vector(0xfc, 1, 1, to, a, b, mask);

    /// <summary>vector = 16 signed bytes of memory as whole numbers.</summary>
    public void LoadBytes(int to, Place from) => Vector(0x21, 1, 2, to, 0, from);

    /// <summary>vector = the register's lower 32 bits, 16 times.</summary>
    public void Broadcast(int to, Register from) => Vector(0x7c, 1, 2, to, 0, (int)from);

    /// <summary>vector = 32 bits of memory, 16 times.</summary>
    public void Broadcast(int to, Place from) => Vector(0x58, 1, 2, to, 0, from);

    /// <summary>vector = 16 halves of memory as singles.</summary>
    public void LoadHalves(int to, Place from) => Vector(0x13, 1, 2, to, 0, from);

    /// <summary>to += the products of words of a and the words of one number of memory, in twos (AVX512-VNNI).</summary>
    public void DotWordsBroadcast(int to, int a, Place words) => Vector(0x52, 1, 2, to, a, words, broadcast: true);

    /// <summary>to += the products of unsigned bytes of a and the signed bytes of one number of memory, in fours (AVX512-VNNI).</summary>
    public void DotBytesBroadcast(int to, int unsigned, Place signed) => Vector(0x50, 1, 2, to, unsigned, signed, broadcast: true);

    /// <summary>to += the products of unsigned bytes of a and signed bytes of b, in fours (AVX512-VNNI).</summary>
    public void DotBytes(int to, int unsigned, int signed) => Vector(0x50, 1, 2, to, unsigned, signed);

    /// <summary>Shapes the tiles by 64 bytes of memory.</summary>
    public void ConfigureTiles(Register from) => Bytes(0xc4, (byte)(0xc2 | ((int)from < 8 ? 0x20 : 0)), 0x78, 0x49, (byte)((int)from & 7));

    /// <summary>Gives the tiles back, so that the system need not keep them for this thread.</summary>
    public void ReleaseTiles() => Bytes(0xc4, 0xe2, 0x78, 0x49, 0xc0);

    public void ZeroTile(int tile) => Bytes(0xc4, 0xe2, 0x7b, 0x49, (byte)(0xc0 | (tile << 3)));

    /// <summary>tile = rows of memory, so many bytes apart as <paramref name="stride"/> says.</summary>
    public void LoadTile(int tile, Place from, Register stride) => Tile(3, tile, from, stride);

    /// <summary>memory = tile.</summary>
    public void StoreTile(Place to, Register stride, int tile) => Tile(2, tile, to, stride);

    /// <summary>to += products of signed bytes (AMX-INT8).</summary>
    public void DotTileBytes(int to, int a, int b) => TileDot(0x5e, 3, to, a, b);

    /// <summary>to += products of brain floats (AMX-BF16).</summary>
    public void DotTileBrains(int to, int a, int b) => TileDot(0x5c, 2, to, a, b);

    private void Prefetch(int hint, Place line)
    {
        if ((int)line.Base >= 8)
            Bytes(0x41);
        Bytes(0x0f, 0x18);
        Operand(hint, line, NoIndex);
    }

    private void TileDot(byte opcode, int prefix, int to, int a, int b) => Bytes(0xc4, 0xe2, (byte)(((~b & 15) << 3) | prefix), opcode, (byte)(0xc0 | (to << 3) | a));

    private void Tile(int prefix, int tile, Place place, Register stride)
    {
        Bytes(0xc4, (byte)(0x80 | ((int)stride < 8 ? 0x40 : 0) | ((int)place.Base < 8 ? 0x20 : 0) | 2), (byte)(0x78 | prefix), 0x4b);
        Operand(tile, place, (int)stride);
    }

    private void Pair(byte opcode, Register to, Register from) =>
        Bytes((byte)(0x48 | ((int)from >> 3 << 2) | ((int)to >> 3)), opcode, (byte)(0xc0 | (((int)from & 7) << 3) | ((int)to & 7)));

    private void OneByte(byte opcode, Register register)
    {
        if ((int)register >= 8)
            Bytes(0x41);
        Bytes((byte)(opcode | ((int)register & 7)));
    }

    private void General(byte opcode, int register, Place place)
    {
        Bytes((byte)(0x48 | (register >> 3 << 2) | ((int)place.Base >> 3)), opcode);
        Operand(register, place, NoIndex);
    }

    private void Immediate(byte opcode, int extension, Register register, int value)
    {
        Bytes((byte)(0x48 | ((int)register >> 3)), opcode, (byte)(0xc0 | (extension << 3) | ((int)register & 7)));
        Number(value);
    }

    private void Vector(byte opcode, int prefix, int map, int register, int second, Place place, bool broadcast = false)
    {
        Evex(prefix, map, register, second, baseBit: (int)place.Base >> 3, indexBit: 0, broadcast);
        Bytes(opcode);
        Operand(register, place, NoIndex);
    }

    private void Vector(byte opcode, int prefix, int map, int register, int second, int third, int mask = 0)
    {
        Evex(prefix, map, register, second, baseBit: (third >> 3) & 1, indexBit: third >> 4, broadcast: false, mask);
        Bytes(opcode, (byte)(0xc0 | ((register & 7) << 3) | (third & 7)));
    }

    private void Shift(int extension, int to, Place from, int bits)
    {
        Vector(0x71, 1, 1, extension, to, from);
        Bytes((byte)bits);
    }

    private void Evex(int prefix, int map, int register, int second, int baseBit, int indexBit, bool broadcast, int mask = 0) => Bytes(
        0x62,
        (byte)(((~register >> 3 & 1) << 7) | ((~indexBit & 1) << 6) | ((~baseBit & 1) << 5) | ((~register >> 4 & 1) << 4) | map),
        (byte)(((~second & 15) << 3) | 4 | prefix),
        (byte)(0x40 | (broadcast ? 0x10 : 0) | ((~second >> 4 & 1) << 3) | mask));

    /// <summary>The bytes that name a register and a place with an offset of four bytes.</summary>
    private void Operand(int register, Place place, int index)
    {
        int low = (int)place.Base & 7;
        if (index == NoIndex)
            Bytes((byte)(0x80 | ((register & 7) << 3) | low));
        else
            Bytes((byte)(0x80 | ((register & 7) << 3) | 4), (byte)(((index & 7) << 3) | low));
        Number(place.Offset);
    }

    private void Number(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        _code.AddRange(bytes);
    }

    private void Bytes(params ReadOnlySpan<byte> bytes) => _code.AddRange(bytes);
}
