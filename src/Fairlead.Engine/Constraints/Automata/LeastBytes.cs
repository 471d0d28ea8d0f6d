namespace Fairlead.Engine.Constraints.Automata;

/// <summary>The least number of bytes that satisfy an expression; each is worked out once.</summary>
internal sealed class LeastBytes(Grammar grammar, NodeTable nodes, GrammarStates states)
{
    /// <summary>More than any answer has: what counts as no end in sight, and still adds up.</summary>
    private const long Most = 1L << 40;

    private readonly Dictionary<int, long> _known = [];

    /// <summary>Exact but for intersections, where it is a lower bound.</summary>
    public long Of(int state)
    {
        if (_known.TryGetValue(state, out long least))
            return least;
        Node node = nodes[state];
        switch (node.Kind)
        {
            case NodeKind.Bytes:
                least = 1;
                break;
            case NodeKind.Literal:
                least = grammar.Literals[node.A].Length - node.B;
                break;
            case NodeKind.Sequence:
                // The stack may be long: along it there is no recursion.
                int rest = state;
                for (; nodes[rest].Kind == NodeKind.Sequence; rest = nodes[rest].B)
                    least += Of(nodes[rest].A);
                least += Of(rest);
                break;
            case NodeKind.Choice:
                least = long.MaxValue;
                for (int at = 0; at < node.B; at++)
                    least = Math.Min(least, Of(nodes.OptionsOf(state)[at]));
                break;
            case NodeKind.Both:
                least = Math.Max(Of(node.A), Of(node.B));
                break;
            case NodeKind.Repeat:
                least = node.B == 0 ? 0 : node.B * Math.Min(Of(node.A), int.MaxValue);
                break;
            case NodeKind.Lexeme:
                least = Of(node.A);
                break;
            case NodeKind.Rule:
                least = Of(states.Body(node.A, node.B));
                break;
            default:
                least = nodes.MayEnd(state) ? 0 : 1;
                break;
        }

        return _known[state] = Math.Min(least, Most);
    }
}
