using System.Text;

namespace Fairlead.Engine.Constraints.Automata;

/// <summary>Writes the expressions of a <see cref="Grammar"/>, parts before wholes. Every method returns the number of an expression.</summary>
/// <remarks>Bounded: a schema of 32 KiB may refer to itself often enough to ask for millions of expressions.</remarks>
internal sealed class GrammarBuilder
{
    /// <summary>Expressions in a grammar: 250 times what the largest real schema we tried needs.</summary>
    public const int MaxTemplates = 100_000;

    /// <summary>Bytes of literals in a grammar.</summary>
    private const int MaxLiteralBytes = 256 * 1024;

    private readonly Dictionary<ByteSet, int> _sets = [];
    private int _literalBytes;

    public GrammarBuilder()
    {
        Never = Add(NodeKind.Never);
        Nothing = Add(NodeKind.Nothing);
        Digit = Bytes(ByteSet.Digits);
        Everything = Repeat(Bytes(ByteSet.All), 0, Grammar.Unbounded);
    }

    public List<Template> Templates { get; } = [];

    public List<int> Children { get; } = [];

    public List<ByteSet> Sets { get; } = [];

    public List<byte[]> Literals { get; } = [];

    public List<Divisor> Divisors { get; } = [];

    public List<Segment> Rules { get; } = [];

    /// <summary>No text.</summary>
    public int Never { get; }

    /// <summary>The empty text.</summary>
    public int Nothing { get; }

    /// <summary>One of 0–9.</summary>
    public int Digit { get; }

    /// <summary>Any bytes.</summary>
    public int Everything { get; }

    /// <summary>Expressions so far: where the next segment begins.</summary>
    public int Count => Templates.Count;

    public int Bytes(ByteSet set)
    {
        if (set.IsEmpty)
            return Never;
        if (!_sets.TryGetValue(set, out int index))
        {
            _sets.Add(set, index = Sets.Count);
            Sets.Add(set);
        }

        return Add(NodeKind.Bytes, index);
    }

    public int Literal(string text) => Literal(Encoding.UTF8.GetBytes(text));

    public int Literal(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
            return Nothing;
        if ((_literalBytes += text.Length) > MaxLiteralBytes)
            throw new ConstraintException(null, $"the constraint holds more than {MaxLiteralBytes / 1024} KiB of literal text");
        Literals.Add(text.ToArray());
        return Add(NodeKind.Literal, Literals.Count - 1);
    }

    public int Sequence(params ReadOnlySpan<int> parts)
    {
        if (parts.IsEmpty)
            return Nothing;
        int whole = parts[^1];
        for (int at = parts.Length - 2; at >= 0; at--)
            whole = Add(NodeKind.Sequence, parts[at], whole, 0, HasRule(parts[at]) || HasRule(whole));
        return whole;
    }

    public int Choice(params ReadOnlySpan<int> options)
    {
        if (options.IsEmpty)
            return Never;
        if (options.Length == 1)
            return options[0];
        bool hasRule = false;
        int start = Children.Count;
        foreach (int option in options)
        {
            hasRule |= HasRule(option);
            Children.Add(option);
        }

        if (Children.Count > 4 * MaxTemplates)
            throw TooLarge();
        return Add(NodeKind.Choice, start, options.Length, 0, hasRule);
    }

    public int Optional(int part) => Choice(Nothing, part);

    public int Both(int left, int right) => Add(NodeKind.Both, left, right);

    public int Except(int part) => Add(NodeKind.Except, part);

    public int Repeat(int part, int atLeast, int atMost) => Add(NodeKind.Repeat, part, atLeast, atMost, HasRule(part));

    public int Lexeme(int part) => Add(NodeKind.Lexeme, part);

    public int Multiple(Divisor divisor)
    {
        Divisors.Add(divisor);
        return Add(NodeKind.Multiple, Divisors.Count - 1, 0, -1);
    }

    public int Rule(int rule) => Add(NodeKind.Rule, rule, 0, 0, hasRule: true);

    /// <summary>A rule whose body comes later, so that it may be named before.</summary>
    public int DeclareRule()
    {
        Rules.Add(default);
        return Rules.Count - 1;
    }

    /// <summary>The body of <paramref name="rule"/>: everything written since <paramref name="start"/>.</summary>
    public void DefineRule(int rule, int start, int root) => Rules[rule] = new Segment(start, Count, root);

    public bool HasRule(int node) => Templates[node].HasRule;

    private int Add(NodeKind kind, int a = 0, int b = 0, int c = 0, bool hasRule = false)
    {
        if (Templates.Count == MaxTemplates)
            throw TooLarge();
        Templates.Add(new Template(kind, a, b, c, hasRule));
        return Templates.Count - 1;
    }

    private static ConstraintException TooLarge() =>
        new(null, $"the constraint needs more than {MaxTemplates} expressions; make its unions or references fewer");
}
