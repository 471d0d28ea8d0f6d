using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.Normalizers;

/// <summary><c>Precompiled</c>: the character map that SentencePiece stores with a model (<c>precompiled_charsmap</c>).</summary>
/// <remarks>
/// A little-endian length, that many bytes of a Darts double-array trie over UTF-8, then the replacements, each ended by a zero byte. Texts
/// are looked up grapheme by grapheme where one is shorter than six bytes, else character by character, and the shortest key that is a
/// prefix decides for all of it: odd, but what the <c>spm_precompiled</c> library does, and with it XLM-RoBERTa, T5 and Marian.
/// </remarks>
internal sealed class Precompiled : Normalizer
{
    private readonly uint[] _trie;
    private readonly byte[] _replacements;

    private Precompiled(uint[] trie, byte[] replacements)
    {
        _trie = trie;
        _replacements = replacements;
    }

    /// <summary>Reads the map; null where it is empty and changes nothing.</summary>
    /// <exception cref="ModelFileException">The map is cut short.</exception>
    public static Precompiled? Read(string file, ReadOnlySpan<byte> map)
    {
        if (map.IsEmpty)
            return null;
        if (map.Length < 4 || BinaryPrimitives.ReadUInt32LittleEndian(map) is var size && (size > (uint)map.Length - 4 || size % 4 != 0))
            throw new ModelFileException(file, null, "the precompiled_charsmap is shorter than the trie it declares");
        uint[] trie = new uint[size / 4];
        for (int i = 0; i < trie.Length; i++)
            trie[i] = BinaryPrimitives.ReadUInt32LittleEndian(map[(4 + i * 4)..]);
        return new Precompiled(trie, map[(4 + (int)size)..].ToArray());
    }

    public override AlignedText Apply(AlignedText text)
    {
        ReadOnlySpan<char> span = text.Span;
        var changes = new List<Change>(span.Length + 16);
        bool changed = false;
        for (int at = 0; at < span.Length;)
        {
            int length = StringInfo.GetNextTextElementLength(span[at..]);
            ReadOnlySpan<char> grapheme = span.Slice(at, length);
            at += length;
            if (length < 6 && TryReplace(grapheme, changes))
            {
                changed = true;
                continue;
            }

            for (int i = 0; i < grapheme.Length;)
            {
                int codePoint = CodePoints.At(grapheme, i, out int units);
                if (TryReplace(grapheme.Slice(i, units), changes))
                    changed = true;
                else
                    changes.Add(new Change(codePoint, 0));
                i += units;
            }
        }

        return changed ? text.Changed(changes) : text;
    }

    private bool TryReplace(ReadOnlySpan<char> part, List<Change> changes)
    {
        Span<byte> utf8 = stackalloc byte[16];
        if (System.Text.Encoding.UTF8.GetByteCount(part) is > 5)
            return false;
        int count = System.Text.Encoding.UTF8.GetBytes(part, utf8);
        if (!TryLookUp(utf8[..count], out string replacement))
            return false;
        int difference = -CodePoints.Count(part);
        foreach (Rune rune in replacement.EnumerateRunes())
        {
            changes.Add(new Change(rune.Value, 0));
            difference++;
        }

        // Of more characters than before, the last ones were added; of fewer, the last one stands for the rest.
        for (int i = changes.Count - 1; difference > 0 && i >= 0; i--, difference--)
            changes[i] = changes[i] with { Delta = 1 };
        if (difference < 0 && changes.Count > 0)
            changes[^1] = changes[^1] with { Delta = changes[^1].Delta + difference };
        return true;
    }

    private bool TryLookUp(ReadOnlySpan<byte> key, out string replacement)
    {
        replacement = "";
        if (_trie.Length == 0)
            return false;
        long node = Offset(_trie[0]);
        foreach (byte value in key)
        {
            if (value == 0)
                break;
            node ^= value;
            if (node >= _trie.Length)
                return false; // a trie that points outside itself holds no such key
            uint unit = _trie[node];
            if ((unit & 0x800000FF) != value)
                return false;
            node ^= Offset(unit);
            if ((unit >> 8 & 1) == 0)
                continue;
            if (node >= _trie.Length)
                return false;
            int place = (int)(_trie[node] & 0x7FFFFFFF);
            if (place >= _replacements.Length)
                return false;
            ReadOnlySpan<byte> rest = _replacements.AsSpan(place);
            int end = rest.IndexOf((byte)0);
            replacement = System.Text.Encoding.UTF8.GetString(end < 0 ? rest : rest[..end]);
            return true;
        }

        return false;
    }

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & 1 << 9) >> 6);
}
