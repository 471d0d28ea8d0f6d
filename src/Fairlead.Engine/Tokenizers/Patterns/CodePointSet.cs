using System.Text;

namespace Fairlead.Engine.Tokenizers.Patterns;

/// <summary>A set of code points as a pattern writes it: a class in brackets, a property, one character.</summary>
/// <remarks>
/// ASCII is two words of bits. Beyond, membership is one bit of a block of 256 code points, which is worked out from the definition when first
/// asked for, so that a set costs only what its texts use: a stranger's pattern may have thousands of them. Safe for any number of threads:
/// two may work out the same block, and come to the same bits.
/// </remarks>
internal sealed class CodePointSet
{
    private const int Blocks = 0x110000 >> 8, BlocksTogether = 64;

    private readonly Func<int, bool> _definition;
    private readonly ulong _low; // 0…63
    private readonly ulong _high; // 64…127
    private ulong[]?[]?[]? _blocks;

    public CodePointSet(Func<int, bool> definition)
    {
        _definition = definition;
        for (int codePoint = 0; codePoint < 64; codePoint++)
        {
            _low |= definition(codePoint) ? 1UL << codePoint : 0;
            _high |= definition(codePoint + 64) ? 1UL << codePoint : 0;
        }
    }

    public bool Contains(int codePoint)
    {
        if (codePoint < 128)
            return ((codePoint < 64 ? _low : _high) >> (codePoint & 63) & 1) != 0;
        int index = codePoint >> 8;
        ulong[] block = _blocks?[index / BlocksTogether]?[index % BlocksTogether] ?? Fill(index);
        return (block[(codePoint >> 6) & 3] >> (codePoint & 63) & 1) != 0;
    }

    private ulong[] Fill(int index)
    {
        ulong[] block = new ulong[4];
        for (int i = 0; i < 256; i++)
        {
            int codePoint = index << 8 | i;
            if (Rune.IsValid(codePoint) && _definition(codePoint))
                block[i >> 6] |= 1UL << (i & 63);
        }

        ulong[]?[]?[] blocks = _blocks ??= new ulong[]?[]?[Blocks / BlocksTogether];
        ulong[]?[] together = blocks[index / BlocksTogether] ??= new ulong[]?[BlocksTogether];
        together[index % BlocksTogether] = block;
        return block;
    }
}
