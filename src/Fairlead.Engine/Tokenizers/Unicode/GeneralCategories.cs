using System.Globalization;

namespace Fairlead.Engine.Tokenizers.Unicode;

/// <summary>A set of Unicode's general categories, and the names by which regular expressions ask for them. A value.</summary>
/// <param name="Bits">One for each value of <see cref="UnicodeCategory"/>, in its order.</param>
internal readonly record struct GeneralCategories(uint Bits)
{
    // PropertyValueAliases.txt of the Unicode character database, gc: in the order of UnicodeCategory, aliases behind a space.
    private static readonly string[] s_single =
    [
        "Lu Uppercase_Letter", "Ll Lowercase_Letter", "Lt Titlecase_Letter", "Lm Modifier_Letter", "Lo Other_Letter",
        "Mn Nonspacing_Mark", "Mc Spacing_Mark", "Me Enclosing_Mark",
        "Nd Decimal_Number digit", "Nl Letter_Number", "No Other_Number",
        "Zs Space_Separator", "Zl Line_Separator", "Zp Paragraph_Separator",
        "Cc Control cntrl", "Cf Format", "Cs Surrogate", "Co Private_Use",
        "Pc Connector_Punctuation", "Pd Dash_Punctuation", "Ps Open_Punctuation", "Pe Close_Punctuation", "Pi Initial_Punctuation",
        "Pf Final_Punctuation", "Po Other_Punctuation",
        "Sm Math_Symbol", "Sc Currency_Symbol", "Sk Modifier_Symbol", "So Other_Symbol",
        "Cn Unassigned",
    ];

    // Each is all the categories that begin with its letter, but for the letters with case.
    private static readonly string[] s_groups =
        ["L Letter", "M Mark Combining_Mark", "N Number", "P Punctuation punct", "S Symbol", "Z Separator", "C Other"];

    private static readonly Dictionary<string, GeneralCategories> s_exactly = Names();

    private static readonly Dictionary<string, GeneralCategories> s_loosely =
        s_exactly.ToDictionary(static named => Plain(named.Key), static named => named.Value, StringComparer.OrdinalIgnoreCase);

    /// <summary>The categories of this name, letter for letter as in <c>Lu</c> and <c>Uppercase_Letter</c>; null where there is no such name.</summary>
    public static GeneralCategories? Named(string name) => s_exactly.TryGetValue(name, out GeneralCategories named) ? named : null;

    /// <summary>The same, whatever the case and with or without underscores.</summary>
    public static GeneralCategories? NamedLoosely(string name) => s_loosely.TryGetValue(Plain(name), out GeneralCategories named) ? named : null;

    /// <summary>Whether <paramref name="codePoint"/> is of one of them, by the tables of the runtime (Unicode 16 in .NET 10; they are there without ICU).</summary>
    public bool Contains(int codePoint) => (Bits >> (int)CharUnicodeInfo.GetUnicodeCategory(codePoint) & 1) != 0;

    private static string Plain(string name) => name.Replace("_", "", StringComparison.Ordinal);

    private static Dictionary<string, GeneralCategories> Names()
    {
        var names = new Dictionary<string, GeneralCategories>(StringComparer.Ordinal);
        for (int category = 0; category < s_single.Length; category++)
            Add(s_single[category], 1u << category);
        foreach (string group in s_groups)
        {
            uint members = 0;
            for (int category = 0; category < s_single.Length; category++)
                members |= s_single[category][0] == group[0] ? 1u << category : 0;
            Add(group, members);
        }

        Add("LC Cased_Letter", 0b111);
        return names;

        void Add(string aliases, uint bits)
        {
            foreach (string name in aliases.Split(' '))
                names.Add(name, new GeneralCategories(bits));
        }
    }
}
