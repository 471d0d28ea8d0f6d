namespace Fairlead.Engine.Constraints.Automata;

/// <summary>Whether any text satisfies an expression. Intersections and complements leave that open; a search along their derivatives decides it.</summary>
internal static class Emptiness
{
    /// <summary>States visited at most. Beyond it the expression counts as one that nothing satisfies: safe, for nothing false is then said.</summary>
    private const int SearchLimit = 50_000;

    /// <summary>Whether some text satisfies <paramref name="start"/>. What is found out is noted in <paramref name="nodes"/>.</summary>
    public static bool IsAlive(Automaton automaton, NodeTable nodes, int start)
    {
        if ((nodes[start].Flags & NodeFlags.MayBeNever) == 0 || (nodes[start].Flags & NodeFlags.Alive) != 0)
            return true;
        if ((nodes[start].Flags & NodeFlags.Dead) != 0)
            return false;
        var cameFrom = new Dictionary<int, int> { [start] = -1 };
        var open = new Stack<int>();
        open.Push(start);
        Span<bool> tried = stackalloc bool[256];
        while (open.TryPop(out int state))
        {
            if (nodes.MayEnd(state) || (nodes[state].Flags & (NodeFlags.MayBeNever | NodeFlags.Alive)) != NodeFlags.MayBeNever)
            {
                for (int at = state; at != -1; at = cameFrom[at])
                    nodes.Mark(at, NodeFlags.Alive);
                return true;
            }

            // The first byte of each class speaks for it. Descending, so that the smallest is looked at first.
            ReadOnlySpan<byte> classOf = automaton.ClassesOf(state);
            tried.Clear();
            for (int value = 255; value >= 0; value--)
            {
                if (tried[classOf[value]])
                    continue;
                tried[classOf[value]] = true;
                int next = automaton.Step(state, (byte)value);
                if (next == NodeTable.Never || (nodes[next].Flags & NodeFlags.Dead) != 0 || cameFrom.ContainsKey(next))
                    continue;
                if (cameFrom.Count == SearchLimit)
                    return false;
                cameFrom.Add(next, state);
                open.Push(next);
            }
        }

        foreach (int state in cameFrom.Keys)
            nodes.Mark(state, NodeFlags.Dead);
        return false;
    }
}
