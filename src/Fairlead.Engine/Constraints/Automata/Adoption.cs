namespace Fairlead.Engine.Constraints.Automata;

/// <summary>Carries expressions of one automaton over to a fresh one of the same grammar: same meaning, other numbers.</summary>
internal sealed class Adoption(NodeTable old, Expressions expressions)
{
    private readonly Dictionary<int, int> _adopted = [];

    /// <summary>The new number of what <paramref name="state"/> was.</summary>
    public int Of(int state)
    {
        if (_adopted.TryGetValue(state, out int here))
            return here;
        Node node = old[state];
        switch (node.Kind)
        {
            case NodeKind.Never or NodeKind.Nothing:
                return state;
            case NodeKind.Sequence:
                // The stack may be long: along it there is no recursion.
                var spine = new List<int>();
                int at = state;
                for (; old[at].Kind == NodeKind.Sequence; at = old[at].B)
                    spine.Add(old[at].A);
                here = Of(at);
                for (int part = spine.Count - 1; part >= 0; part--)
                    here = expressions.Sequence(Of(spine[part]), here);
                break;
            case NodeKind.Choice:
                Expressions.OpenChoice choice = expressions.Choice();
                foreach (int option in old.OptionsOf(state))
                    choice.Add(Of(option));
                here = choice.End();
                break;
            case NodeKind.Both:
                here = expressions.Both(Of(node.A), Of(node.B));
                break;
            case NodeKind.Except:
                here = expressions.Except(Of(node.A));
                break;
            case NodeKind.Repeat:
                here = expressions.Repeat(Of(node.A), node.B, node.C);
                break;
            case NodeKind.Lexeme:
                here = expressions.Lexeme(Of(node.A));
                break;
            default:
                here = expressions.Leaf(node);
                break;
        }

        _adopted.Add(state, here);
        return here;
    }
}
