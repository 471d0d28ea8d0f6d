using System.Globalization;
using System.Text.Json;
using Fairlead.Engine.Constraints.Automata;

namespace Fairlead.Engine.Constraints.Schemas;

/// <summary>Writes arrays: items with schemas of their own first, then others.</summary>
internal sealed class ArrayLanguage(SchemaCompiler compiler, SchemaDocument document, GrammarBuilder builder, JsonLanguage json)
{
    /// <summary>Items with a schema of their own in one array.</summary>
    private const int MaxPrefix = 256;

    /// <summary>An array for which all members of <paramref name="branch"/> hold.</summary>
    public int Write(SchemaNode[] branch)
    {
        int least = 0;
        int most = Grammar.Unbounded;
        int prefix = 0;
        foreach (SchemaNode member in branch)
        {
            least = Math.Max(least, ValueFacets.Count(member, "minItems") ?? 0);
            most = Math.Min(most, ValueFacets.Count(member, "maxItems") ?? Grammar.Unbounded);
            prefix = Math.Max(prefix, PrefixOf(member).Length);
            if (prefix > MaxPrefix)
                throw member.Refuse("prefixItems", $"more than {MaxPrefix} items with schemas of their own are not supported");
        }

        foreach (SchemaNode member in branch)
        {
            if (member.TryGet("uniqueItems", out JsonElement unique) && unique.ValueKind != JsonValueKind.False && most > 1)
                throw member.Refuse("uniqueItems", "uniqueItems is not supported: it cannot be kept while an answer is written; check it afterwards");
        }

        int close = builder.Sequence(json.Space, builder.Literal("]"));
        int other = compiler.Value(SchemasOf(branch, prefix));
        // Backwards: `after` is what may follow the first `index` items, `begun` what follows the bracket or comma before the next one.
        int after = builder.Sequence(Others(Math.Max(prefix, 1)), close);
        int begun = prefix == 0 && most > 0 ? builder.Sequence(other, after) : builder.Never;
        for (int index = prefix - 1; index >= 0; index--)
        {
            begun = index < most ? builder.Sequence(compiler.Value(SchemasOf(branch, index)), after) : builder.Never;
            after = builder.Choice(index >= least && index <= most ? close : builder.Never, builder.Sequence(json.NextItem, begun));
        }

        return builder.Sequence(
            builder.Literal("["),
            json.Space,
            builder.Choice(least == 0 ? builder.Literal("]") : builder.Never, begun));

        // Items without a schema of their own after so many; the comma before each included.
        int Others(int written)
        {
            int missing = Math.Max(least - written, 0);
            int room = most == Grammar.Unbounded ? most : most - written;
            return room < missing ? builder.Never : builder.Repeat(builder.Sequence(json.NextItem, other), missing, room);
        }
    }

    /// <summary>The schemas of the first items: <c>prefixItems</c>, or a list under <c>items</c> as draft 7 has it.</summary>
    private static JsonElement[] PrefixOf(SchemaNode member)
    {
        if (member.TryGet("prefixItems", out JsonElement prefix))
            return prefix.ValueKind == JsonValueKind.Array ? [.. prefix.EnumerateArray()] : throw member.Refuse("prefixItems", "prefixItems is a list of schemas");
        return member.TryGet("items", out JsonElement items) && items.ValueKind == JsonValueKind.Array ? [.. items.EnumerateArray()] : [];
    }

    private List<SchemaNode> SchemasOf(SchemaNode[] branch, int index)
    {
        var schemas = new List<SchemaNode>();
        foreach (SchemaNode member in branch)
        {
            JsonElement[] prefix = PrefixOf(member);
            bool hasItems = member.TryGet("items", out JsonElement items);
            bool isDraft7 = hasItems && items.ValueKind == JsonValueKind.Array && !member.TryGet("prefixItems", out _);
            if (index < prefix.Length)
                schemas.Add(document.Child(member, isDraft7 ? "items" : "prefixItems", prefix[index], index.ToString(CultureInfo.InvariantCulture)));
            else if (isDraft7 && member.TryGet("additionalItems", out JsonElement additional))
                schemas.Add(document.Child(member, "additionalItems", additional));
            else if (hasItems && !isDraft7)
                schemas.Add(document.Child(member, "items", items));
        }

        return schemas;
    }
}
