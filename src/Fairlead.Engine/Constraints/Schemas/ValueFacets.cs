using System.Globalization;
using System.Text.Json;
using Fairlead.Engine.Constraints.Regexes;

namespace Fairlead.Engine.Constraints.Schemas;

/// <summary>The types of JSON Schema, "number" being integers and others.</summary>
[Flags]
internal enum ValueTypes
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Integer = 4,
    Fraction = 8,
    Number = Integer | Fraction,
    String = 16,
    Array = 32,
    Object = 64,
    Any = Null | Boolean | Number | String | Array | Object,
}

/// <summary>A pattern and where it stands.</summary>
internal sealed record StringPattern(string Text, RegexNode Regex, string Pointer, bool Whole);

/// <summary>What the members of a branch say together of values that are no arrays and no objects: each keyword merged with its like.</summary>
internal sealed class ValueFacets
{
    private const int MaxLength = 1_000_000;

    /// <summary>Values of one enum: 32 KiB hold about 8,000 short ones.</summary>
    private const int MaxValues = 2_000;

    private static readonly string[] ObjectKeywords = ["properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties", "maxProperties"];
    private static readonly string[] ArrayKeywords = ["items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems"];

    private ValueFacets()
    {
    }

    /// <summary>Types that <c>type</c> allows.</summary>
    public ValueTypes Types { get; private set; } = ValueTypes.Any;

    /// <summary>Values that <c>enum</c> and <c>const</c> allow; null where neither is there.</summary>
    public List<JsonElement>? Values { get; private set; }

    /// <summary>The pointer of one <c>enum</c> or <c>const</c>.</summary>
    public string ValuesPointer { get; private set; } = "";

    /// <summary>Characters a string has at least.</summary>
    public int MinLength { get; private set; }

    /// <summary>Characters a string has at most.</summary>
    public int MaxLengthOrUnbounded { get; private set; } = Automata.Grammar.Unbounded;

    /// <summary>Patterns of strings, formats among them.</summary>
    public List<StringPattern> Patterns { get; } = [];

    /// <summary>Bounds and divisors of numbers.</summary>
    public NumberFacets Number { get; private set; } = new();

    /// <summary>Some member speaks of the insides of objects.</summary>
    public bool SpeaksOfObjects { get; private set; }

    /// <summary>Some member speaks of the insides of arrays.</summary>
    public bool SpeaksOfArrays { get; private set; }

    /// <summary>
    /// The types an answer may have. A schema that names no type but speaks of the insides of objects (or arrays) only is meant for objects (or
    /// arrays), though by the letter it allows everything else as well; what is written stays valid either way.
    /// </summary>
    public ValueTypes TypesToWrite =>
        Types != ValueTypes.Any || Values is not null || SpeaksOfObjects == SpeaksOfArrays ? Types : SpeaksOfObjects ? ValueTypes.Object : ValueTypes.Array;

    /// <summary>Merges the keywords of <paramref name="members"/>.</summary>
    public static ValueFacets Of(IReadOnlyList<SchemaNode> members)
    {
        var facets = new ValueFacets();
        foreach (SchemaNode member in members)
            facets.Merge(member);
        return facets;
    }

    /// <summary>A whole number ≥ 0 under <paramref name="keyword"/>; null where the keyword is absent.</summary>
    public static int? Count(SchemaNode member, string keyword)
    {
        if (!member.TryGet(keyword, out JsonElement value))
            return null;
        // 2.0 is a whole number to JSON Schema.
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out double count) || count < 0 || count != Math.Truncate(count))
            throw member.Refuse(keyword, $"{keyword} is a whole number that is not negative");
        return (int)Math.Min(count, Automata.Grammar.Unbounded - 1);
    }

    private void Merge(SchemaNode member)
    {
        if (member.TryGet("type", out JsonElement type))
            Types &= TypesOf(member, type);
        SpeaksOfObjects |= ObjectKeywords.Any(keyword => member.TryGet(keyword, out _));
        SpeaksOfArrays |= ArrayKeywords.Any(keyword => member.TryGet(keyword, out _));
        if (member.TryGet("enum", out JsonElement values))
        {
            if (values.ValueKind != JsonValueKind.Array)
                throw member.Refuse("enum", "enum is a list of values");
            if (values.GetArrayLength() > MaxValues)
                throw member.Refuse("enum", $"more than {MaxValues} values are not supported; use a pattern");
            Keep(member, "enum", [.. values.EnumerateArray()]);
        }

        if (member.TryGet("const", out JsonElement constant))
            Keep(member, "const", [constant]);
        MergeStrings(member);
        MergeNumbers(member);
    }

    private void Keep(SchemaNode member, string keyword, List<JsonElement> values)
    {
        ValuesPointer = $"{member.Pointer}/{keyword}";
        Values = Values is null ? values : [.. Values.Where(value => values.Exists(other => JsonElement.DeepEquals(value, other)))];
    }

    private static ValueTypes TypesOf(SchemaNode member, JsonElement type)
    {
        ValueTypes types = type.ValueKind switch
        {
            JsonValueKind.String => TypeOf(type),
            JsonValueKind.Array => type.EnumerateArray().Aggregate(ValueTypes.None, (sum, name) => sum | TypeOf(name)),
            _ => throw member.Refuse("type", "type is a name or a list of names"),
        };
        // OpenAPI 3.0; beside `type` only, as its specification says.
        if (member.TryGet("nullable", out JsonElement nullable) && nullable.ValueKind == JsonValueKind.True)
            types |= ValueTypes.Null;
        return types;

        ValueTypes TypeOf(JsonElement name) => (name.ValueKind == JsonValueKind.String ? name.GetString() : null) switch
        {
            "null" => ValueTypes.Null,
            "boolean" => ValueTypes.Boolean,
            "integer" => ValueTypes.Integer,
            "number" => ValueTypes.Number,
            "string" => ValueTypes.String,
            "array" => ValueTypes.Array,
            "object" => ValueTypes.Object,
            _ => throw member.Refuse("type", $"{name.GetRawText()} is no type; null, boolean, integer, number, string, array and object are"),
        };
    }

    private void MergeStrings(SchemaNode member)
    {
        int least = Count(member, "minLength") ?? 0;
        if (least > MaxLength)
            throw member.Refuse("minLength", $"no answer has more than {MaxLength} characters");
        MinLength = Math.Max(MinLength, least);
        MaxLengthOrUnbounded = Math.Min(MaxLengthOrUnbounded, Count(member, "maxLength") ?? Automata.Grammar.Unbounded);
        if (member.TryGet("pattern", out JsonElement pattern))
        {
            if (pattern.ValueKind != JsonValueKind.String)
                throw member.Refuse("pattern", "a pattern is a string");
            AddPattern(pattern.GetString()!, $"{member.Pointer}/pattern", whole: false);
        }

        if (member.TryGet("format", out JsonElement format))
            MergeFormat(member, format.ValueKind == JsonValueKind.String ? format.GetString()! : throw member.Refuse("format", "a format is a string"));
    }

    private void MergeFormat(SchemaNode member, string format)
    {
        (decimal Least, decimal Most)? range = format switch
        {
            "int32" => (int.MinValue, int.MaxValue),
            "int64" => (long.MinValue, long.MaxValue),
            _ => null,
        };
        if (range is var (least, most))
            Number = Number.AtLeast(new NumberBound(least, false)).AtMost(new NumberBound(most, false));
        else if (StringFormats.PatternOf(format) is { } pattern)
            AddPattern(pattern, $"{member.Pointer}/format", whole: true);
        else if (!StringFormats.IsRemark(format) && format is not ("float" or "double"))
            throw member.Refuse("format", $"the format '{format}' is not supported; {StringFormats.Known} are. Use pattern, or say it in the description");
    }

    private void AddPattern(string text, string pointer, bool whole)
    {
        if (!Patterns.Exists(known => known.Text == text && known.Whole == whole))
            Patterns.Add(new StringPattern(text, RegexParser.Parse(text, pointer), pointer, whole));
    }

    private void MergeNumbers(SchemaNode member)
    {
        if (Bound(member, "minimum", wide: decimal.MinValue) is { } minimum)
            Number = Number.AtLeast(new NumberBound(minimum, IsTrue(member, "exclusiveMinimum")));
        if (Bound(member, "maximum", wide: decimal.MaxValue) is { } maximum)
            Number = Number.AtMost(new NumberBound(maximum, IsTrue(member, "exclusiveMaximum")));
        if (!IsFlag(member, "exclusiveMinimum") && Bound(member, "exclusiveMinimum", wide: decimal.MinValue) is { } above)
            Number = Number.AtLeast(new NumberBound(above, true));
        if (!IsFlag(member, "exclusiveMaximum") && Bound(member, "exclusiveMaximum", wide: decimal.MaxValue) is { } below)
            Number = Number.AtMost(new NumberBound(below, true));
        if (Bound(member, "multipleOf", wide: null) is not { } divisor)
            return;
        try
        {
            NumberLanguage.DivisorOf(divisor);
        }
        catch (ConstraintException refusal)
        {
            throw member.Refuse("multipleOf", refusal.Reason);
        }

        Number = Number with { MultiplesOf = [.. Number.MultiplesOf, divisor] };
    }

    /// <summary>Draft 4 had a flag where later drafts have a number.</summary>
    private static bool IsFlag(SchemaNode member, string keyword) =>
        member.TryGet(keyword, out JsonElement value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False;

    private static bool IsTrue(SchemaNode member, string keyword) => member.TryGet(keyword, out JsonElement value) && value.ValueKind == JsonValueKind.True;

    private static decimal? Bound(SchemaNode member, string keyword, decimal? wide)
    {
        if (!member.TryGet(keyword, out JsonElement value))
            return null;
        if (value.ValueKind != JsonValueKind.Number)
            throw member.Refuse(keyword, $"{keyword} is a number");
        return ExactDecimal.TryParse(value.GetRawText(), out decimal bound, out int excess)
            ? bound
            // Wider than 28 digits in the direction that allows: as good as the widest we can name.
            : wide is { } widest && excess == Math.Sign(widest) ? widest : throw member.Refuse(keyword, $"{keyword} has more digits than the 28 we count with");
    }
}

/// <summary>Reads numbers of JSON as decimals, or not at all: never rounded.</summary>
internal static class ExactDecimal
{
    /// <summary>The value of <paramref name="text"/>, a JSON number. Where it is too large, <paramref name="excess"/> is its sign; where too fine, 0.</summary>
    public static bool TryParse(string text, out decimal value, out int excess)
    {
        value = 0;
        excess = 0;
        int end = text.AsSpan().IndexOfAny('e', 'E');
        string mantissa = end < 0 ? text : text[..end];
        string digits = mantissa.Replace(".", "", StringComparison.Ordinal).TrimStart('-').TrimStart('0');
        if (digits.Length == 0)
            return true;
        // An exponent of more digits than an int has is too large or too fine as well.
        long exponent = 0;
        if (end >= 0 && !long.TryParse(text.AsSpan(end + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent))
            exponent = text[end + 1] == '-' ? long.MinValue / 2 : long.MaxValue / 2;
        int point = mantissa.IndexOf('.');
        long scale = (point < 0 ? 0 : mantissa.Length - point - 1) - exponent;
        if (digits.Length - scale > 28)
        {
            excess = text[0] == '-' ? -1 : 1;
            return false;
        }

        string significant = digits.TrimEnd('0');
        return significant.Length <= 28 && scale - (digits.Length - significant.Length) <= 28
            && decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
    }
}
