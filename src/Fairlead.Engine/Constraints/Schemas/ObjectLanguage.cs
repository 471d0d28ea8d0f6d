using Fairlead.Engine.Constraints.Automata;
using Fairlead.Engine.Constraints.Regexes;
using System.Text.Json;

namespace Fairlead.Engine.Constraints.Schemas;

/// <summary>Writes objects: declared members in their order, then others.</summary>
internal sealed class ObjectLanguage(SchemaCompiler compiler, GrammarBuilder builder, TextLanguage text, JsonLanguage json)
{
    /// <summary>An object of <paramref name="shape"/>, written from its last member to its first: what may follow is there before what it follows.</summary>
    public int Write(ObjectShape shape)
    {
        int counted = shape.CountedUpTo;
        int close = builder.Sequence(json.Space, builder.Literal("}"));
        int other = OtherMember(shape);
        int[] members = [.. shape.Names.Select(name => Member(shape, name))];
        // By the number of members written so far (`counted`: that many or more): whether the object may be closed if no further member is
        // required, and what may follow if a further one is begun.
        bool[] mayClose = new bool[counted + 1];
        int[] begun = new int[counted + 1];
        for (int written = 0; written <= counted; written++)
        {
            mayClose[written] = written >= shape.Least;
            begun[written] = Others(shape, other, written, close);
        }

        for (int at = members.Length - 1; at >= 0; at--)
        {
            bool required = shape.Required.Contains(shape.Names[at]);
            int[] next = new int[counted + 1];
            for (int written = 0; written <= counted; written++)
            {
                int then = Math.Min(written + 1, counted);
                int rest = builder.Choice(mayClose[then] ? close : builder.Never, builder.Sequence(json.NextItem, begun[then]));
                int here = written >= shape.Most ? builder.Never : builder.Sequence(members[at], rest);
                next[written] = required ? here : builder.Choice(here, begun[written]);
            }

            begun = next;
            if (required)
                Array.Clear(mayClose);
        }

        return builder.Sequence(
            builder.Literal("{"),
            json.Space,
            builder.Choice(mayClose[0] ? builder.Literal("}") : builder.Never, begun[0]));
    }

    private int Member(ObjectShape shape, string name)
    {
        int quoted = builder.Literal($"\"{TextLanguage.Escaped(name)}\"");
        if (shape.NameSchemas.Count > 0)
            quoted = builder.Lexeme(builder.Both(quoted, builder.Sequence(builder.Literal("\""), compiler.Names(shape.NameSchemas), builder.Literal("\""))));
        return builder.Sequence(quoted, json.AfterName, compiler.Value(shape.SchemasOf(name)));
    }

    /// <summary>Members whose names are not declared, at least one, when so many are written already; the closing brace included.</summary>
    private int Others(ObjectShape shape, int other, int written, int close)
    {
        int missing = Math.Max(shape.Least - written, 0);
        int room = shape.Most == Grammar.Unbounded ? Grammar.Unbounded : shape.Most - written;
        // One name that is not declared is one name more for certain; the next may be the same again.
        if (missing > 1 || room <= 0)
            return builder.Never;
        int more = builder.Repeat(builder.Sequence(json.NextItem, other), 0, room == Grammar.Unbounded ? room : room - 1);
        return builder.Sequence(other, more, close);
    }

    private int OtherMember(ObjectShape shape)
    {
        var options = new List<int>();
        for (int subset = 0; subset < 1 << shape.Patterns.Count; subset++)
        {
            List<NamePattern> matched = [.. shape.Patterns.Where((_, at) => (subset >> at & 1) != 0)];
            List<SchemaNode> schemas = shape.SchemasOfOther(matched.Contains);
            if (!schemas.Exists(static schema => schema.Json.ValueKind == JsonValueKind.False))
                options.Add(builder.Sequence(OtherName(shape, matched), json.AfterName, compiler.Value(schemas)));
        }

        return builder.Choice([.. options]);
    }

    /// <summary>A name that is not declared and matches exactly those patterns.</summary>
    private int OtherName(ObjectShape shape, List<NamePattern> matched)
    {
        if (shape.Names.Count == 0 && shape.Patterns.Count == 0 && shape.NameSchemas.Count == 0)
            return json.String(0, Grammar.Unbounded);
        int content = shape.NameSchemas.Count > 0 ? compiler.Names(shape.NameSchemas) : json.AnyContent;
        foreach (NamePattern pattern in shape.Patterns)
        {
            int matching = text.Containing(pattern.Regex, Spelling.JsonString, pattern.Pointer);
            content = builder.Both(content, matched.Contains(pattern) ? matching : builder.Except(matching));
        }

        if (shape.Names.Count > 0)
            content = builder.Both(content, builder.Except(builder.Choice([.. shape.Names.Select(name => text.Text(name, Spelling.JsonString))])));
        return json.Quoted(content);
    }
}
