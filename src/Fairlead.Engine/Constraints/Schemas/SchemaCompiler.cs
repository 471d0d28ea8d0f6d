using System.Text;
using System.Text.Json;
using Fairlead.Engine.Constraints.Automata;
using Fairlead.Engine.Constraints.Regexes;

namespace Fairlead.Engine.Constraints.Schemas;

/// <summary>Writes the JSON texts that satisfy a JSON Schema: what each accepts is valid against the schema, and nothing is passed over.</summary>
/// <remarks>
/// Drafts 2020-12, 2019-09 and 7 as OpenAPI, Pydantic and zod write them. Of the valid texts these are written:
/// <list type="bullet">
/// <item>declared properties in the order of the schema, each at most once, then others (that is how generators of structured output do it, and
/// a mask in the middle of a name stays small);</item>
/// <item>white space as <see cref="JsonLanguage.Space"/> has it; numbers as <see cref="NumberLanguage"/> spells them;</item>
/// <item>strings in any spelling, but in one spelling (<see cref="Spelling.JsonString"/>) where a pattern, a format or a list of values looks at them;</item>
/// <item>at most <see cref="Grammar.MaxNesting"/> levels of nesting.</item>
/// </list>
/// <c>allOf</c>, <c>$ref</c> and keywords beside them are merged. <c>oneOf</c> is accepted where its options are seen to exclude one another:
/// by type, by values, by bounds, or by a required property in which they differ. Everything that changes what is valid and is not kept is
/// refused with its pointer.
/// </remarks>
internal sealed class SchemaCompiler
{
    private readonly GrammarBuilder _builder;
    private readonly TextLanguage _text;
    private readonly JsonLanguage _json;
    private readonly NumberLanguage _numbers;
    private readonly ObjectLanguage _objects;
    private readonly ArrayLanguage _arrays;
    private readonly SchemaDocument _document;
    private readonly SchemaBranches _branches;
    private readonly Dictionary<string, int> _rules = [];
    private readonly Dictionary<string, int> _values = [];
    private readonly Dictionary<string, ValueFacets> _facets = [];
    private readonly Dictionary<string, ObjectShape> _shapes = [];
    private readonly Queue<(int Rule, bool IsObject, SchemaNode[] Branch)> _open = [];

    /// <summary>Reads the schema; <see cref="WriteRoot"/>, and later <see cref="WriteRules"/>, write it.</summary>
    public SchemaCompiler(string text, GrammarBuilder builder, TextLanguage language, JsonLanguage json)
    {
        (_builder, _text, _json) = (builder, language, json);
        _numbers = new NumberLanguage(builder);
        _document = new SchemaDocument(text);
        _objects = new ObjectLanguage(this, builder, language, json);
        _arrays = new ArrayLanguage(this, _document, builder, json);
        _branches = new SchemaBranches(_document) { CheckOneOf = RefuseUnlessExclusive };
    }

    /// <summary>The expression of the whole schema. Objects and arrays are only named so far.</summary>
    public int WriteRoot() => Value([_document.Root]);

    /// <summary>Writes the objects and arrays that have been named, and those that they name.</summary>
    public void WriteRules()
    {
        while (_open.TryDequeue(out (int Rule, bool IsObject, SchemaNode[] Branch) next))
        {
            int start = _builder.Count;
            int body = next.IsObject ? _objects.Write(ShapeOf(next.Branch)) : _arrays.Write(next.Branch);
            _builder.DefineRule(next.Rule, start, body);
        }
    }

    /// <summary>A value for which all of <paramref name="schemas"/> hold.</summary>
    internal int Value(IReadOnlyList<SchemaNode> schemas)
    {
        string key = KeyOf("v", schemas);
        if (_values.TryGetValue(key, out int known))
            return known;
        int value = _builder.Choice([.. _branches.Of(schemas).Select(BranchValue)]);
        // What names a rule belongs to the object that holds it; everything else can be had again.
        if (!_builder.HasRule(value))
            _values.Add(key, value);
        return value;
    }

    private static string KeyOf(string kind, IEnumerable<SchemaNode> schemas)
    {
        var key = new StringBuilder(kind);
        foreach (int id in schemas.Select(static schema => schema.Id).Distinct().Order())
            key.Append(',').Append(id);
        return key.ToString();
    }

    private int BranchValue(SchemaNode[] branch)
    {
        _branches.Spend(1);
        ValueFacets facets = FacetsOf(branch);
        ValueTypes types = facets.TypesToWrite;
        if (facets.Values is { } values)
            return Enumerated(values, types, facets);
        var options = new List<int>();
        if ((types & ValueTypes.Null) != 0)
            options.Add(_json.Null);
        if ((types & ValueTypes.Boolean) != 0)
            options.Add(_json.Boolean);
        if ((types & ValueTypes.Fraction) != 0)
            options.Add(_numbers.Number(facets.Number));
        else if ((types & ValueTypes.Integer) != 0)
            options.Add(_numbers.Integer(facets.Number));
        if ((types & ValueTypes.String) != 0)
            options.Add(String(facets));
        if ((types & ValueTypes.Array) != 0)
            options.Add(Rule(isObject: false, branch));
        if ((types & ValueTypes.Object) != 0)
            options.Add(Rule(isObject: true, branch));
        return _builder.Choice([.. options]);
    }

    // Kept, because a union is compared option by option and a pattern is read only once that way. In the order of the branch, which is that of properties.

    private ValueFacets FacetsOf(SchemaNode[] branch)
    {
        string key = InOrder(branch);
        if (!_facets.TryGetValue(key, out ValueFacets? facets))
            _facets.Add(key, facets = ValueFacets.Of(branch));
        return facets;
    }

    private ObjectShape ShapeOf(SchemaNode[] branch)
    {
        string key = InOrder(branch);
        if (!_shapes.TryGetValue(key, out ObjectShape? shape))
            _shapes.Add(key, shape = new ObjectShape(_document, branch));
        return shape;
    }

    private static string InOrder(SchemaNode[] branch) => string.Join(',', branch.Select(static schema => schema.Id));

    private int Rule(bool isObject, SchemaNode[] branch)
    {
        string key = KeyOf(isObject ? "o" : "a", branch);
        if (!_rules.TryGetValue(key, out int rule))
        {
            _rules.Add(key, rule = _builder.DeclareRule());
            _open.Enqueue((rule, isObject, branch));
        }

        return _builder.Rule(rule);
    }

    private int Enumerated(List<JsonElement> values, ValueTypes types, ValueFacets facets)
    {
        _branches.Spend(values.Count);
        var texts = new List<int>();
        var others = new List<int>();
        foreach (JsonElement value in values.Where(value => Allows(value, types, facets)))
            (value.ValueKind == JsonValueKind.String ? texts : others).Add(_builder.Literal(Canonical(value)));
        if (texts.Count > 0)
        {
            int text = _builder.Choice([.. texts]);
            if (facets.Patterns.Count > 0)
                text = _builder.Lexeme(_builder.Both(text, _builder.Sequence(_builder.Literal("\""), Content(facets), _builder.Literal("\""))));
            others.Add(text);
        }

        return _builder.Choice([.. others]);
    }

    private static bool Allows(JsonElement value, ValueTypes types, ValueFacets facets)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Null:
                return (types & ValueTypes.Null) != 0;
            case JsonValueKind.True or JsonValueKind.False:
                return (types & ValueTypes.Boolean) != 0;
            case JsonValueKind.String:
                int length = value.GetString()!.EnumerateRunes().Count();
                return (types & ValueTypes.String) != 0 && length >= facets.MinLength && length <= facets.MaxLengthOrUnbounded;
            case JsonValueKind.Number:
                bool exact = ExactDecimal.TryParse(value.GetRawText(), out decimal number, out _);
                if (!exact && (facets.Number != new NumberFacets() || (types & ValueTypes.Number) != ValueTypes.Number))
                    throw new ConstraintException(facets.ValuesPointer, "a number of more than 28 digits beside other keywords for numbers is not supported");
                ValueTypes type = exact && number == Math.Truncate(number) ? ValueTypes.Integer : ValueTypes.Fraction;
                return (types & type) != 0 && (!exact || facets.Number.Allow(number));
            case JsonValueKind.Array:
                if (facets.SpeaksOfArrays)
                    throw new ConstraintException(facets.ValuesPointer, "listed arrays beside other keywords for arrays are not supported; list the valid ones only");
                return (types & ValueTypes.Array) != 0;
            default:
                if (facets.SpeaksOfObjects)
                    throw new ConstraintException(facets.ValuesPointer, "listed objects beside other keywords for objects are not supported; list the valid ones only");
                return (types & ValueTypes.Object) != 0;
        }
    }

    /// <summary>A value as text: no white space, strings in the one spelling, numbers as the schema has them. Recursion as deep as the schema's own reader allows.</summary>
    private static string Canonical(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => $"\"{TextLanguage.Escaped(value.GetString()!)}\"",
        JsonValueKind.Array => $"[{string.Join(',', value.EnumerateArray().Select(Canonical))}]",
        JsonValueKind.Object => $"{{{string.Join(',', value.EnumerateObject().Select(static member => $"\"{TextLanguage.Escaped(member.Name)}\":{Canonical(member.Value)}"))}}}",
        _ => value.GetRawText(),
    };

    private int String(ValueFacets facets) =>
        facets.MaxLengthOrUnbounded < facets.MinLength ? _builder.Never
        : facets.Patterns.Count == 0 ? _json.String(facets.MinLength, facets.MaxLengthOrUnbounded)
        : _json.Quoted(Content(facets));

    /// <summary>What stands between the quotes, in the one spelling.</summary>
    private int Content(ValueFacets facets)
    {
        if (facets.MaxLengthOrUnbounded < facets.MinLength)
            return _builder.Never;
        int? content = null;
        if (facets.Patterns.Count == 0 || facets.MinLength > 0 || facets.MaxLengthOrUnbounded != Grammar.Unbounded)
            content = _builder.Repeat(_text.AnyCharacter(Spelling.JsonString), facets.MinLength, facets.MaxLengthOrUnbounded);
        foreach (StringPattern pattern in facets.Patterns)
        {
            int matching = pattern.Whole
                ? _text.Whole(pattern.Regex, Spelling.JsonString, pattern.Pointer)
                : _text.Containing(pattern.Regex, Spelling.JsonString, pattern.Pointer);
            content = content is { } other ? _builder.Both(other, matching) : matching;
        }

        return content!.Value;
    }

    /// <summary>Texts for which all of <paramref name="schemas"/> hold, as they stand between quotes.</summary>
    internal int Names(IReadOnlyList<SchemaNode> schemas)
    {
        var options = new List<int>();
        foreach (SchemaNode[] branch in _branches.Of(schemas))
        {
            ValueFacets facets = FacetsOf(branch);
            if ((facets.Types & ValueTypes.String) == 0)
                continue;
            int content = Content(facets);
            if (facets.Values is { } values)
            {
                content = _builder.Both(content, _builder.Choice(
                    [.. values.Where(static value => value.ValueKind == JsonValueKind.String).Select(value => _text.Text(value.GetString()!, Spelling.JsonString))]));
            }

            options.Add(content);
        }

        return _builder.Choice([.. options]);
    }

    /// <summary>Refuses <paramref name="schema"/> unless any two of its <paramref name="options"/> are seen to exclude one another.</summary>
    private void RefuseUnlessExclusive(SchemaNode schema, IReadOnlyList<SchemaNode> options)
    {
        SchemaNode[] beside = _branches.RequiredByDiscriminator(schema) is { } required ? [required] : [];
        List<SchemaNode[]>[] branches = [.. options.Select(option => _branches.Of([option, .. beside]))];
        for (int left = 0; left < options.Count; left++)
        {
            for (int right = left + 1; right < options.Count; right++)
            {
                if (!Exclusive(branches[left], branches[right], depth: 0))
                {
                    throw schema.Refuse("oneOf", $"options {left} and {right} are not seen to exclude one another, so that an answer may satisfy both; "
                        + "use anyOf, or give them a required property with different const values");
                }
            }
        }
    }

    private bool Exclusive(List<SchemaNode[]> left, List<SchemaNode[]> right, int depth) =>
        left.TrueForAll(one => right.TrueForAll(other => Exclusive(one, other, depth)));

    private bool Exclusive(SchemaNode[] left, SchemaNode[] right, int depth)
    {
        _branches.Spend(4);
        ValueFacets one = FacetsOf(left);
        ValueFacets other = FacetsOf(right);
        if (one.Values is { } values && other.Values is { } others)
        {
            _branches.Spend(values.Count * others.Count / 16);
            return !values.Exists(value => others.Exists(o => JsonElement.DeepEquals(value, o)));
        }

        ValueTypes shared = TypesOf(one) & TypesOf(other);
        return (shared & (ValueTypes.Null | ValueTypes.Boolean | ValueTypes.Array)) == 0
            && ((shared & ValueTypes.Number) == 0 || one.Number.DisjointFrom(other.Number))
            && ((shared & ValueTypes.String) == 0 || one.MaxLengthOrUnbounded < other.MinLength || other.MaxLengthOrUnbounded < one.MinLength)
            && ((shared & ValueTypes.Object) == 0 || DifferInAProperty(left, right, depth));

        static ValueTypes TypesOf(ValueFacets facets) => facets.Types & (facets.Values is null ? ValueTypes.Any : facets.Values.Aggregate(ValueTypes.None, static (sum, value) => sum | value.ValueKind switch
        {
            JsonValueKind.Null => ValueTypes.Null,
            JsonValueKind.True or JsonValueKind.False => ValueTypes.Boolean,
            JsonValueKind.Number => ValueTypes.Number,
            JsonValueKind.String => ValueTypes.String,
            JsonValueKind.Array => ValueTypes.Array,
            _ => ValueTypes.Object,
        }));
    }

    /// <summary>Some property that one of the two requires can have no value that both allow.</summary>
    private bool DifferInAProperty(SchemaNode[] left, SchemaNode[] right, int depth)
    {
        if (depth == 3)
            return false;
        var one = ShapeOf(left);
        var other = ShapeOf(right);
        return one.Required.Union(other.Required).Any(name => Exclusive(_branches.Of(one.SchemasOf(name)), _branches.Of(other.SchemasOf(name)), depth + 1));
    }
}
