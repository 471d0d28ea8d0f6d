using System.Buffers;

namespace Fairlead.Engine.Constraints.Automata;

/// <summary>The expressions of a grammar as states of an automaton: those without rules once, the body of a rule once for each room it is given.</summary>
internal sealed class GrammarStates
{
    private readonly Grammar _grammar;
    private readonly Expressions _expressions;
    private readonly Dictionary<(int Rule, int Room), int> _bodies = [];

    /// <summary>By number of the template; nothing where it has a rule.</summary>
    private readonly int[] _shared;

    /// <summary>Writes what needs no room.</summary>
    public GrammarStates(Grammar grammar, Expressions expressions)
    {
        (_grammar, _expressions) = (grammar, expressions);
        _shared = new int[grammar.Templates.Length];
        for (int at = 0; at < _shared.Length; at++)
        {
            if (!grammar.Templates[at].HasRule)
                _shared[at] = Write(grammar.Templates[at], default, 0, room: 0);
        }
    }

    /// <summary>The state before the first byte.</summary>
    public int Root() => Instantiate(_grammar.Root, Grammar.MaxNesting + 1);

    /// <summary>What <paramref name="rule"/> stands for with room for that many levels of nesting, its own included.</summary>
    public int Body(int rule, int room)
    {
        if (!_bodies.TryGetValue((rule, room), out int body))
            _bodies.Add((rule, room), body = Instantiate(_grammar.Rules[rule], room));
        return body;
    }

    /// <summary>Whether nothing can satisfy expression <paramref name="template"/> of the grammar, which contains no rule.</summary>
    public bool IsNever(int template) => _shared[template] == NodeTable.Never;

    /// <summary>A segment of the grammar as a state, its rules having room for one level of nesting less than <paramref name="room"/>.</summary>
    private int Instantiate(Segment segment, int room)
    {
        int[] written = ArrayPool<int>.Shared.Rent(segment.End - segment.Start + 1);
        for (int at = segment.Start; at < segment.End; at++)
        {
            if (_grammar.Templates[at].HasRule)
                written[at - segment.Start] = Write(_grammar.Templates[at], written, segment.Start, room);
        }

        int root = Written(segment.Root, written, segment.Start);
        ArrayPool<int>.Shared.Return(written);
        return root;
    }

    // What has a rule lies in the segment that is being written; everything else is shared, wherever it lies.
    private int Written(int template, ReadOnlySpan<int> written, int start) =>
        _grammar.Templates[template].HasRule ? written[template - start] : _shared[template];

    private int Write(Template template, ReadOnlySpan<int> written, int start, int room)
    {
        switch (template.Kind)
        {
            case NodeKind.Never:
                return NodeTable.Never;
            case NodeKind.Nothing:
                return NodeTable.Nothing;
            case NodeKind.Bytes:
                return _expressions.Bytes(template.A);
            case NodeKind.Literal:
                return _expressions.Literal(template.A, 0);
            case NodeKind.Sequence:
                return _expressions.Sequence(Written(template.A, written, start), Written(template.B, written, start));
            case NodeKind.Choice:
                Expressions.OpenChoice choice = _expressions.Choice();
                foreach (int child in _grammar.Children.AsSpan(template.A, template.B))
                    choice.Add(Written(child, written, start));
                return choice.End();
            case NodeKind.Both:
                return _expressions.Both(Written(template.A, written, start), Written(template.B, written, start));
            case NodeKind.Except:
                return _expressions.Except(Written(template.A, written, start));
            case NodeKind.Repeat:
                return _expressions.Repeat(Written(template.A, written, start), template.B, template.C);
            case NodeKind.Lexeme:
                return _expressions.Lexeme(Written(template.A, written, start));
            case NodeKind.Multiple:
                return _expressions.Multiple(template.A, 0, -1);
            case NodeKind.Rule:
                return _expressions.Rule(template.A, room - 1);
            default:
                throw new InvalidOperationException($"{template.Kind} has no state");
        }
    }
}
