namespace Fairlead.Engine.Constraints.Automata;

/// <summary>Forgets counts that are too large for a token to reach, so that a string with 4,000 characters left shares its mask with one that has 3,999 left.</summary>
internal sealed class CountClamp(NodeTable nodes, Expressions expressions)
{
    /// <summary>The same language as <paramref name="state"/> for texts shorter than <paramref name="exactBelow"/> bytes, without counts beyond <paramref name="limit"/>.</summary>
    /// <param name="exactBelow">Lowered where a count was forgotten, unchanged where nothing was.</param>
    public int Clamp(int state, int limit, ref int exactBelow)
    {
        Node node = nodes[state];
        if ((node.Flags & NodeFlags.Counts) == 0)
            return state;
        switch (node.Kind)
        {
            case NodeKind.Lexeme:
                return expressions.Lexeme(Clamp(node.A, limit, ref exactBelow));
            case NodeKind.Sequence:
                return expressions.Sequence(node.A, Clamp(node.B, limit, ref exactBelow));
            case NodeKind.Repeat:
                (int atLeast, int atMost) = (node.B, node.C);
                // A minimum that no token can reach is as good as any other; a maximum that none can reach is as good as none.
                if (atLeast > limit)
                {
                    exactBelow = Math.Min(exactBelow, atLeast);
                    atLeast = Grammar.Unbounded - 1;
                    atMost = Grammar.Unbounded;
                }
                else if (atMost != Grammar.Unbounded && atMost > limit)
                {
                    exactBelow = Math.Min(exactBelow, atMost);
                    atMost = Grammar.Unbounded;
                }

                return expressions.Repeat(node.A, atLeast, atMost);
            default:
                return state;
        }
    }
}
