using Fairlead.Engine.Constraints.Automata;
using Fairlead.Engine.Constraints.Regexes;
using Fairlead.Engine.Constraints.Schemas;

namespace Fairlead.Engine.Constraints;

/// <summary>Turns a <see cref="ConstraintSpec"/> into a <see cref="Grammar"/>.</summary>
internal sealed class GrammarCompiler
{
    private readonly GrammarBuilder _builder = new();
    private readonly TextLanguage _text;
    private readonly JsonLanguage _json;
    private readonly List<SchemaCompiler> _schemas = [];

    private GrammarCompiler()
    {
        _text = new TextLanguage(_builder);
        _json = new JsonLanguage(_builder, _text);
    }

    /// <summary>The grammar of <paramref name="spec"/>.</summary>
    /// <exception cref="ConstraintException">It asks for what is not supported, or nothing can satisfy it.</exception>
    public static Grammar Compile(ConstraintSpec spec)
    {
        var compiler = new GrammarCompiler();
        int start = compiler._builder.Count;
        int root = compiler.Write(spec);
        // Models like to begin with a space or a new line; inside a longer text the literals around the JSON say what stands there.
        if (spec is ConstraintSpec.JsonObject or ConstraintSpec.JsonSchema)
            root = compiler._builder.Sequence(compiler._json.Space, root);
        var segment = new Segment(start, compiler._builder.Count, root);
        foreach (SchemaCompiler schema in compiler._schemas)
            schema.WriteRules();
        return new Grammar(compiler._builder, segment);
    }

    private int Write(ConstraintSpec spec)
    {
        switch (spec)
        {
            case ConstraintSpec.JsonObject:
                return Schema("""{"type":"object"}""");
            case ConstraintSpec.JsonSchema schema:
                return Schema(schema.Schema);
            case ConstraintSpec.Regex regex:
                return _builder.Lexeme(_text.Whole(RegexParser.Parse(regex.Pattern, pointer: null), Spelling.Plain, pointer: null));
            case ConstraintSpec.Literal literal:
                return _builder.Literal(literal.Text);
            case ConstraintSpec.SpecialToken special:
                return _builder.Literal(TokenTrie.SpecialBytes(special.Name));
            case ConstraintSpec.TextWithout text:
                return TextWithout(text.Stop);
            case ConstraintSpec.Sequence sequence:
                return _builder.Sequence([.. sequence.Parts.Select(Write)]);
            case ConstraintSpec.OneOf oneOf:
                return _builder.Choice([.. oneOf.Options.Select(Write)]);
            case ConstraintSpec.Repeat repeat:
                return Repeat(repeat);
            default:
                throw new InvalidOperationException($"{spec.GetType().Name} has no grammar");
        }
    }

    private int Schema(string text)
    {
        var schema = new SchemaCompiler(text, _builder, _text, _json);
        _schemas.Add(schema);
        return schema.WriteRoot();
    }

    private int TextWithout(string stop)
    {
        if (stop.Length == 0)
            throw new ConstraintException(null, "no text is without the empty text");
        int anything = _builder.Repeat(_text.AnyCharacter(Spelling.Plain), 0, Grammar.Unbounded);
        int containing = _builder.Sequence(_builder.Everything, _builder.Literal(stop), _builder.Everything);
        return _builder.Lexeme(_builder.Both(anything, _builder.Except(containing)));
    }

    private int Repeat(ConstraintSpec.Repeat repeat)
    {
        if (repeat.AtLeast < 0 || repeat.AtMost < repeat.AtLeast)
            throw new ConstraintException(null, "a repetition is at least 0 and at most at least as many times");
        int atMost = repeat.AtMost ?? Grammar.Unbounded;
        if (atMost == 0)
            return _builder.Nothing;
        int part = Write(repeat.Part);
        int others = _builder.Repeat(
            _builder.Sequence(_builder.Literal(repeat.Separator), part),
            Math.Max(repeat.AtLeast - 1, 0),
            atMost == Grammar.Unbounded ? atMost : atMost - 1);
        int all = _builder.Sequence(part, others);
        return repeat.AtLeast == 0 ? _builder.Optional(all) : all;
    }
}
