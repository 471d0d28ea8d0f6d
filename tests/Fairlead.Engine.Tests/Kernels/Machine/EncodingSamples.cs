using Fairlead.Engine.Kernels.Machine;

namespace Fairlead.Engine.Tests.Kernels.Machine;

/// <summary>An instruction with its operands, as GNU <c>as</c> spells it (Intel's syntax) and as the assembler is asked for it.</summary>
internal readonly record struct EncodingSample(string Text, Action<X64Assembler> Write);

/// <summary>Every instruction of the assembler, with operands that set and clear each bit which names one.</summary>
internal static class EncodingSamples
{
    private const int Number = 0x12345678;

    private static readonly Register[] s_registers = Enum.GetValues<Register>();

    /// <summary>Vector registers in threes. Together they have each of the five bits of a number both set and clear, in each place.</summary>
    private static readonly (int, int, int)[] s_threes = [(0, 0, 0), (1, 6, 11), (7, 8, 15), (16, 31, 9), (31, 16, 24), (10, 21, 2), (21, 10, 29)];

    private static readonly (int, int, int)[] s_tiles = [(0, 1, 2), (7, 0, 3), (2, 7, 4), (5, 4, 7), (3, 6, 0)];

    /// <summary>All of them, always in the same order.</summary>
    public static IReadOnlyList<EncodingSample> All { get; } = [.. General(), .. Jumps(), .. Moves(), .. Arithmetic(), .. Bits(), .. Dots(), .. Tiles()];

    private static IEnumerable<EncodingSample> General()
    {
        foreach ((Register register, Place place, string at) in Places().Select((p, i) => (s_registers[i * 5 % s_registers.Length], p.Place, p.Text)))
        {
            yield return new($"{{disp32}} mov {Name(register)}, {at}", code => code.Load(register, place));
            yield return new($"{{disp32}} mov {at}, {Name(register)}", code => code.Store(place, register));
            yield return new($"{{disp32}} prefetcht1 {at}", code => code.Prefetch(place));
            yield return new($"{{disp32}} prefetcht0 {at}", code => code.PrefetchNearest(place));
        }

        foreach (Register register in s_registers)
        {
            Register other = s_registers[((int)register + 3) % s_registers.Length];
            yield return new($"mov {Name(register)}, {Number}", code => code.Set(register, Number));
            yield return new($"mov {Name(register)}, {-Number}", code => code.Set(register, -Number));
            yield return new($"mov {Name(register)}, {Name(other)}", code => code.Copy(register, other));
            yield return new($"add {Name(register)}, {Name(other)}", code => code.Add(register, other));
            yield return new($"push {Name(register)}", code => code.Push(register));
            yield return new($"pop {Name(register)}", code => code.Pop(register));
            yield return new($"dec {Name(register)}", code => code.Decrement(register));
            yield return new($"test {Name(register)}, {Name(register)}", code => code.Test(register));

            // GNU as has a shorter form for rax, and one for small numbers, and knows no word to forbid them.
            if (register != Register.Rax)
                yield return new($"add {Name(register)}, {-Number}", code => code.Add(register, -Number));
        }

        yield return new("ret", code => code.Return());
        yield return new("vzeroupper", code => code.ZeroUpper());
    }

    private static IEnumerable<EncodingSample> Jumps()
    {
        yield return new("1: dec rcx; {disp32} jnz 1b", code =>
        {
            int again = code.Here;
            code.Decrement(Register.Rcx);
            code.JumpIfNotZero(again);
        });
        yield return new("{disp32} jz 1f; vzeroupper; ret; 1:", code =>
        {
            int jump = code.JumpIfZero();
            code.ZeroUpper();
            code.Return();
            code.Land(jump);
        });
    }

    private static IEnumerable<EncodingSample> Moves()
    {
        foreach ((int vector, Place place, string at) in VectorsAndPlaces())
        {
            yield return new($"{{disp32}} vmovups zmm{vector}, {at}", code => code.LoadVector(vector, place));
            yield return new($"{{disp32}} vmovups {at}, zmm{vector}", code => code.StoreVector(place, vector));
            yield return new($"{{disp32}} vcvtdq2ps zmm{vector}, {at}", code => code.ConvertToSingle(vector, place));
            yield return new($"{{disp32}} vcvtph2ps zmm{vector}, {at}", code => code.LoadHalves(vector, place));
            yield return new($"{{disp32}} vpbroadcastd zmm{vector}, dword ptr {at}", code => code.Broadcast(vector, place));
            yield return new($"{{disp32}} vpmovsxbd zmm{vector}, {at}", code => code.LoadBytes(vector, place));
            yield return new($"{{disp32}} kmovq k{vector % 8}, {at}", code => code.LoadMask(vector % 8, place));
            string lower = Name(place.Base).TrimStart('r') is var short32 && char.IsDigit(short32[0]) ? $"r{short32}d" : $"e{short32}";
            yield return new($"vpbroadcastd zmm{vector}, {lower}", code => code.Broadcast(vector, place.Base));
        }

        foreach ((int to, int from, _) in s_threes)
            yield return new($"vcvtdq2ps zmm{to}, zmm{from}", code => code.ConvertToSingle(to, from));
    }

    private static IEnumerable<EncodingSample> Arithmetic()
    {
        foreach ((int to, int a, int b) in s_threes)
        {
            yield return new($"vmulps zmm{to}, zmm{a}, zmm{b}", code => code.Multiply(to, a, b));
            yield return new($"vaddps zmm{to}, zmm{a}, zmm{b}", code => code.AddSingles(to, a, b));
            yield return new($"vfmadd132ps zmm{to}, zmm{b}, zmm{a}", code => code.MultiplyAdd(to, a, b));
            yield return new($"vfmadd231ps zmm{to}, zmm{a}, zmm{b}", code => code.AddProduct(to, a, b));
            yield return new($"vfnmadd231ps zmm{to}, zmm{a}, zmm{b}", code => code.SubtractProduct(to, a, b));
            yield return new($"vsubps zmm{to}, zmm{a}, zmm{b}", code => code.Subtract(to, a, b));
            yield return new($"vpaddd zmm{to}, zmm{a}, zmm{b}", code => code.AddWhole(to, a, b));
            yield return new($"vpaddb zmm{to}{{k{1 + (b % 7)}}}, zmm{a}, zmm{b}", code => code.AddBytesWhere(1 + (b % 7), to, a, b));
        }

        foreach ((int to, int a, Place place, string at) in PairsAndPlaces())
        {
            yield return new($"{{disp32}} vfmadd231ps zmm{to}, zmm{a}, dword ptr {at}{{1to16}}", code => code.MultiplyAddBroadcast(to, a, place));
            yield return new($"{{disp32}} vfnmadd231ps zmm{to}, zmm{a}, dword ptr {at}{{1to16}}", code => code.NegativeMultiplyAddBroadcast(to, a, place));
        }
    }

    private static IEnumerable<EncodingSample> Bits()
    {
        foreach ((int to, int a, int b) in s_threes)
        {
            yield return new($"vpxord zmm{to}, zmm{a}, zmm{b}", code => code.ExclusiveOr(to, a, b));
            yield return new($"vpandd zmm{to}, zmm{a}, zmm{b}", code => code.And(to, a, b));
            yield return new($"vpord zmm{to}, zmm{a}, zmm{b}", code => code.Or(to, a, b));
            yield return new($"vpsrld zmm{to}, zmm{a}, {b % 32}", code => code.ShiftRight(to, a, b % 32));
            yield return new($"vpslld zmm{to}, zmm{a}, {b % 32}", code => code.ShiftLeft(to, a, b % 32));
            yield return new($"vpternlogd zmm{to}, zmm{a}, zmm{b}, 0xea", code => code.AndOr(to, a, b));
            yield return new($"vpternlogd zmm{to}, zmm{a}, zmm{b}, 0xf8", code => code.OrAnd(to, a, b));
        }

        foreach ((int to, int a, Place place, string at) in PairsAndPlaces())
        {
            yield return new($"{{disp32}} vpxord zmm{to}, zmm{a}, {at}", code => code.ExclusiveOr(to, a, place));
            yield return new($"{{disp32}} vpandd zmm{to}, zmm{a}, {at}", code => code.And(to, a, place));
            yield return new($"{{disp32}} vpsllw zmm{to}, {at}, {a % 16}", code => code.ShiftWordsLeft(to, place, a % 16));
            yield return new($"{{disp32}} vpsrlw zmm{to}, {at}, {a % 16}", code => code.ShiftWordsRight(to, place, a % 16));
        }
    }

    private static IEnumerable<EncodingSample> Dots()
    {
        foreach ((int to, int a, int b) in s_threes)
            yield return new($"vpdpbusd zmm{to}, zmm{a}, zmm{b}", code => code.DotBytes(to, a, b));

        foreach ((int to, int a, Place place, string at) in PairsAndPlaces())
        {
            yield return new($"{{disp32}} vpdpbusd zmm{to}, zmm{a}, dword ptr {at}{{1to16}}", code => code.DotBytesBroadcast(to, a, place));
            yield return new($"{{disp32}} vpdpwssd zmm{to}, zmm{a}, dword ptr {at}{{1to16}}", code => code.DotWordsBroadcast(to, a, place));
        }
    }

    private static IEnumerable<EncodingSample> Tiles()
    {
        foreach (Register register in s_registers)
            yield return new($"ldtilecfg [{Name(register)}]", code => code.ConfigureTiles(register));
        yield return new("tilerelease", code => code.ReleaseTiles());
        foreach ((Place place, int i) in Places().Select((p, i) => (p.Place, i)))
        {
            int tile = (i * 3) % 8;
            Register stride = s_registers[(i + 4) % s_registers.Length];
            string at = $"[{Name(place.Base)}+{Name(stride)}{place.Offset:+0;-0}]";
            yield return new($"{{disp32}} tileloadd tmm{tile}, {at}", code => code.LoadTile(tile, place, stride));
            yield return new($"{{disp32}} tilestored {at}, tmm{tile}", code => code.StoreTile(place, stride, tile));
        }

        foreach ((int to, int a, int b) in s_tiles)
        {
            yield return new($"tilezero tmm{to}", code => code.ZeroTile(to));
            yield return new($"tdpbssd tmm{to}, tmm{a}, tmm{b}", code => code.DotTileBytes(to, a, b));
            yield return new($"tdpbf16ps tmm{to}, tmm{a}, tmm{b}", code => code.DotTileBrains(to, a, b));
        }
    }

    private static IEnumerable<(int To, int A, Place Place, string Text)> PairsAndPlaces() =>
        Places().Select((p, i) => (s_threes[i % s_threes.Length].Item1, s_threes[i % s_threes.Length].Item2, p.Place, p.Text));

    private static IEnumerable<(int Vector, Place Place, string Text)> VectorsAndPlaces() => PairsAndPlaces().Select(p => (p.To, p.Place, p.Text));

    /// <summary>Every register as a base, with offsets that would fit one byte, scaled or not, and such that take four.</summary>
    private static IEnumerable<(Place Place, string Text)> Places()
    {
        int[] offsets = [8, 64, -64, 8192, Number, -Number, 4, 127];
        return s_registers.Select((register, i) => (new Place(register, offsets[i % offsets.Length]), $"[{Name(register)}{offsets[i % offsets.Length]:+0;-0}]"));
    }

    // Names are spelt as the processor's manual does.
    private static string Name(Register register) => register.ToString().ToLowerInvariant();
}
