namespace Fairlead.Engine.Tokenizers.Models;

/// <summary>Texts by their prefixes: which of them begin at a place of a text.</summary>
internal sealed class PrefixTree
{
    private readonly FlatMap _edges;
    private readonly List<int> _values = [-1]; // by node; −1: no text ends here

    /// <param name="units">A guess at the number of nodes.</param>
    public PrefixTree(string file, int units) => _edges = new FlatMap(file, units);

    /// <summary>Adds a text under a number ≥ 0; of two equal ones the later wins. An empty one is nowhere to be found.</summary>
    public void Add(ReadOnlySpan<char> text, int value)
    {
        if (text.IsEmpty)
            return;
        int node = 0;
        foreach (char unit in text)
        {
            ulong key = (ulong)node << 16 | unit;
            if (!_edges.TryGet(key, out ulong next))
            {
                next = (ulong)_values.Count;
                _values.Add(-1);
                _edges.Set(key, next);
            }

            node = (int)next;
        }

        _values[node] = value;
    }

    /// <summary>Steps from <paramref name="node"/> (0 to begin) over one unit; false where no text goes on so.</summary>
    public bool TryStep(ref int node, char unit, out int value)
    {
        if (!_edges.TryGet((ulong)node << 16 | unit, out ulong next))
        {
            value = -1;
            return false;
        }

        node = (int)next;
        value = _values[node];
        return true;
    }
}
