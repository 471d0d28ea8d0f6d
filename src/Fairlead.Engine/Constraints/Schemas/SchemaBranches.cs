using System.Text.Json;

namespace Fairlead.Engine.Constraints.Schemas;

/// <summary>Takes schemas that must all hold apart into branches: lists of schemas of which only the plain keywords are left to look at.</summary>
/// <remarks>
/// <c>$ref</c> and <c>allOf</c> add schemas to the list, <c>anyOf</c> and <c>oneOf</c> multiply the lists. What stands beside them stays in
/// force, as JSON Schema 2019-09 and later have it. The members of a branch are then merged keyword by keyword.
/// </remarks>
internal sealed class SchemaBranches(SchemaDocument document)
{
    /// <summary>Branches of one value: unions beside and inside unions multiply.</summary>
    private const int MaxBranches = 256;

    /// <summary>Schemas looked at while compiling one document.</summary>
    private const int MaxWork = 100_000;

    private readonly HashSet<SchemaNode> _checked = [];
    private readonly HashSet<SchemaNode> _oneOfs = [];
    private int _work;

    /// <summary>Called once for each <c>oneOf</c> with its options: refuses those that are not known to exclude one another.</summary>
    public required Action<SchemaNode, IReadOnlyList<SchemaNode>> CheckOneOf { get; init; }

    /// <summary>The branches of <paramref name="all"/>: at least one of them holds where all schemas hold. None: nothing is valid.</summary>
    public List<SchemaNode[]> Of(IEnumerable<SchemaNode> all)
    {
        var branches = new List<SchemaNode[]>();
        Grow([], new Stack<Open>(all.Select(static schema => new Open(schema, null)).Reverse()), [], branches);
        return branches;
    }

    /// <summary>Counts <paramref name="amount"/> of work and refuses a document that asks for too much of it.</summary>
    public void Spend(int amount)
    {
        if ((_work += amount) > MaxWork)
            throw new ConstraintException("", "the unions and references of the schema multiply to more than can be compiled");
    }

    /// <summary>A schema still to be looked at, and the one that led to it.</summary>
    private sealed record Open(SchemaNode Schema, Open? From);

    private sealed record Union(Open At, string Keyword, IReadOnlyList<SchemaNode> Options);

    private void Grow(List<SchemaNode> members, Stack<Open> open, List<Union> unions, List<SchemaNode[]> branches)
    {
        while (open.TryPop(out Open? at))
        {
            Spend(1);
            SchemaNode schema = at.Schema;
            RefuseCircle(at);
            if (schema.Json.ValueKind == JsonValueKind.False)
                return;
            if (schema.Json.ValueKind == JsonValueKind.True || members.Contains(schema))
                continue;
            if (_checked.Add(schema))
                SchemaKeywords.Check(schema);
            members.Add(schema);
            if (schema.TryGet("not", out JsonElement not) && !Allows(schema, not))
                return;
            foreach (SchemaNode part in Options(schema, "allOf").Reverse())
                open.Push(new Open(part, at));
            if (schema.TryGet("$ref", out JsonElement reference))
                open.Push(new Open(document.Resolve(schema, reference), at));
            foreach (string keyword in (ReadOnlySpan<string>)["anyOf", "oneOf"])
            {
                if (schema.TryGet(keyword, out _))
                    unions.Add(new Union(at, keyword, Options(schema, keyword)));
            }
        }

        if (unions.Count == 0)
        {
            if (branches.Count == MaxBranches)
                throw new ConstraintException(members[0].Pointer, $"the unions of this schema multiply to more than {MaxBranches} cases");
            branches.Add([.. members]);
            return;
        }

        Union first = unions[0];
        if (first.Keyword == "oneOf" && _oneOfs.Add(first.At.Schema))
            CheckOneOf(first.At.Schema, first.Options);
        foreach (SchemaNode option in first.Options)
        {
            var next = new Stack<Open>([new Open(option, first.At)]);
            if (first.Keyword == "oneOf" && RequiredByDiscriminator(first.At.Schema) is { } required)
                next.Push(new Open(required, null));
            Grow([.. members], next, unions[1..], branches);
        }
    }

    /// <summary>A schema that comes back to itself without an object or array between has no meaning.</summary>
    private static void RefuseCircle(Open at)
    {
        for (Open? from = at.From; from is not null; from = from.From)
        {
            if (from.Schema == at.Schema)
                throw new ConstraintException(at.Schema.Pointer, "the schema refers to itself with no object or array in between");
        }
    }

    /// <summary><c>not</c> is kept where it is decided: <c>not: {}</c> (how some generators write "never") and <c>not: false</c>.</summary>
    private static bool Allows(SchemaNode schema, JsonElement not)
    {
        if (not.ValueKind == JsonValueKind.False)
            return true;
        if (not.ValueKind == JsonValueKind.True || (not.ValueKind == JsonValueKind.Object && !not.EnumerateObject().Any()))
            return false;
        throw schema.Refuse("not", "not is not supported: it cannot be kept while an answer is written; name what is allowed instead");
    }

    private SchemaNode[] Options(SchemaNode schema, string keyword)
    {
        if (!schema.TryGet(keyword, out JsonElement list))
            return [];
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
            throw schema.Refuse(keyword, $"{keyword} is a list of schemas with at least one");
        return [.. list.EnumerateArray().Select((option, index) => document.Child(schema, keyword, option, index.ToString()))];
    }

    /// <summary>
    /// OpenAPI's discriminator is a property that every option must have; generators leave it out of <c>required</c> where it has a default.
    /// Requiring it makes options that differ in it exclude one another.
    /// </summary>
    public SchemaNode? RequiredByDiscriminator(SchemaNode schema) =>
        schema.TryGet("discriminator", out JsonElement discriminator) && discriminator.ValueKind == JsonValueKind.Object
        && discriminator.TryGetProperty("propertyName", out JsonElement name) && name.ValueKind == JsonValueKind.String
            ? document.Implied(schema, "discriminator:required", "{\"required\":[\"" + Regexes.TextLanguage.Escaped(name.GetString()!) + "\"]}")
            : null;
}
