using System.Globalization;
using System.Text;
using Fairlead.Engine.Tokenizers.Unicode;

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

    /// <summary>The set of a general category (<c>L</c>, <c>Lu</c>, <c>LC</c>), script (<c>Han</c>), POSIX class or binary property; null where the name is unknown.</summary>
    public static Func<int, bool>? Named(string name)
    {
        string plain = name.Trim().Replace("_", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal)
            .Replace("-", "", StringComparison.Ordinal).ToUpperInvariant();
        foreach (string key in (ReadOnlySpan<string>)["SCRIPT=", "SC=", "GENERALCATEGORY=", "GC="])
        {
            if (plain.StartsWith(key, StringComparison.Ordinal))
                plain = plain[key.Length..];
        }

        uint categories = CategoriesNamed(plain);
        if (categories != 0)
            return codePoint => (categories >> (int)CodePoints.Category(codePoint) & 1) != 0;
        Func<int, bool>? property = plain switch
        {
            "ANY" => static _ => true,
            "ASSIGNED" => static c => CodePoints.Category(c) != UnicodeCategory.OtherNotAssigned,
            "ASCII" => static c => c < 128,
            "SPACE" or "WHITESPACE" => CodePoints.IsWhiteSpace,
            "WORD" => Word,
            "ALNUM" => static c => Alphabetic(c) || CodePoints.Category(c) == UnicodeCategory.DecimalDigitNumber,
            "ALPHA" or "ALPHABETIC" => Alphabetic,
            "DIGIT" => static c => CodePoints.Category(c) == UnicodeCategory.DecimalDigitNumber,
            "XDIGIT" or "ASCIIHEXDIGIT" => static c => c < 128 && char.IsAsciiHexDigit((char)c),
            "UPPER" or "UPPERCASE" => static c => CodePoints.Category(c) == UnicodeCategory.UppercaseLetter || c is (>= 0x2160 and <= 0x216F) or (>= 0x24B6 and <= 0x24CF),
            "LOWER" or "LOWERCASE" => static c => CodePoints.Category(c) == UnicodeCategory.LowercaseLetter || c is 0xAA or 0xBA or (>= 0x2170 and <= 0x217F) or (>= 0x24D0 and <= 0x24E9),
            "PUNCT" => CodePoints.IsPunctuation,
            "CNTRL" => static c => CodePoints.Category(c) == UnicodeCategory.Control,
            "BLANK" => static c => c == '\t' || CodePoints.Category(c) == UnicodeCategory.SpaceSeparator,
            "GRAPH" => static c => !CodePoints.IsWhiteSpace(c) && CodePoints.Category(c) is not (UnicodeCategory.Control or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate),
            "PRINT" => static c => CodePoints.Category(c) is not (UnicodeCategory.Control or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate),
            _ => null,
        };
        if (property is not null)
            return property;
        int script = UnicodeTables.ScriptNamed(plain);
        return script < 0 ? null : codePoint => UnicodeTables.ScriptOf(codePoint) == script;
    }

    /// <summary><c>\w</c> of Oniguruma: alphabetic, marks, decimal digits, connectors; no join controls.</summary>
    public static bool Word(int codePoint) => CodePoints.IsWord(codePoint) && codePoint is not (0x200C or 0x200D);

    private static bool Alphabetic(int codePoint) =>
        Word(codePoint) && CodePoints.Category(codePoint) is not (UnicodeCategory.DecimalDigitNumber or UnicodeCategory.ConnectorPunctuation
            or UnicodeCategory.EnclosingMark);

    // One bit for each value of UnicodeCategory, in its order.
    private static uint CategoriesNamed(string name)
    {
        const string Order = "LU LL LT LM LO MN MC ME ND NL NO ZS ZL ZP CC CF CS CO PC PD PS PE PI PF PO SM SC SK SO CN";
        if (name is "LC" or "L&")
            return 0b111;
        string full = name switch
        {
            "LETTER" => "L",
            "MARK" or "COMBININGMARK" => "M",
            "NUMBER" => "N",
            "SEPARATOR" => "Z",
            "OTHER" => "C",
            "PUNCTUATION" => "P",
            "SYMBOL" => "S",
            "UPPERCASELETTER" => "LU",
            "LOWERCASELETTER" => "LL",
            "TITLECASELETTER" => "LT",
            "MODIFIERLETTER" => "LM",
            "OTHERLETTER" => "LO",
            "NONSPACINGMARK" => "MN",
            "SPACINGMARK" => "MC",
            "ENCLOSINGMARK" => "ME",
            "DECIMALNUMBER" => "ND",
            "LETTERNUMBER" => "NL",
            "OTHERNUMBER" => "NO",
            _ => name,
        };
        uint categories = 0;
        if (full.Length is not (1 or 2))
            return 0;
        for (int i = 0; i * 3 < Order.Length; i++)
        {
            if (Order.AsSpan(i * 3, full.Length).SequenceEqual(full))
                categories |= 1u << i;
        }

        return categories;
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
