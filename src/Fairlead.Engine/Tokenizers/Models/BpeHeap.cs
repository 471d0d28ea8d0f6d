namespace Fairlead.Engine.Tokenizers.Models;

/// <summary>Merges a long row of symbols through a heap of candidates: n·log n, whatever the text.</summary>
internal static class BpeHeap
{
    /// <summary>Merges in place and returns how many symbols are left, at the front of the row.</summary>
    public static int Merge(Span<Symbol> symbols, BpeMerges merges)
    {
        int count = symbols.Length;
        int[] next = new int[count];
        int[] previous = new int[count];
        var heap = new Heap(count);
        for (int i = 0; i < count; i++)
        {
            next[i] = i + 1 < count ? i + 1 : -1;
            previous[i] = i - 1;
            if (i + 1 < count && merges.RankOf(symbols[i].Id, symbols[i + 1].Id, out _) is not BpeMerges.None and var rank)
                heap.Append(rank, i);
        }

        heap.Order();
        while (heap.TryPop(out int rank, out int at))
        {
            // An entry is stale when one of its two has merged since: then the pair that stands there now has another rank, or none.
            int right = next[at];
            if (right < 0 || symbols[at].Id < 0 || merges.RankOf(symbols[at].Id, symbols[right].Id, out int merged) != rank)
                continue;
            symbols[at] = new Symbol(merged, symbols[at].Start, symbols[right].End);
            symbols[right] = new Symbol(-1, 0, 0);
            next[at] = next[right];
            next[right] = -1;
            if (next[at] >= 0)
            {
                previous[next[at]] = at;
                if (merges.RankOf(merged, symbols[next[at]].Id, out _) is not BpeMerges.None and var behind)
                    heap.Push(behind, at);
            }

            int before = previous[at];
            if (before >= 0 && merges.RankOf(symbols[before].Id, merged, out _) is not BpeMerges.None and var ahead)
                heap.Push(ahead, before);
        }

        int left = 0;
        for (int at = 0; at >= 0; at = next[at])
            symbols[left++] = symbols[at];
        return left;
    }

    // Four children a node: half the levels, and the children share a cache line. Keys are rank << 32 | place, so the leftmost wins a tie.
    private sealed class Heap(int capacity)
    {
        private ulong[] _keys = new ulong[Math.Max(16, capacity)];
        private int _count;

        public void Append(int rank, int at) => _keys[_count++] = Key(rank, at);

        public void Order()
        {
            for (int i = (_count - 2) / 4; i >= 0 && _count > 1; i--)
                Sink(i, _keys[i]);
        }

        public void Push(int rank, int at)
        {
            if (_count == _keys.Length)
                Array.Resize(ref _keys, _count * 2);
            ulong key = Key(rank, at);
            int hole = _count++;
            for (int parent = (hole - 1) / 4; hole > 0 && _keys[parent] > key; parent = (hole - 1) / 4)
            {
                _keys[hole] = _keys[parent];
                hole = parent;
            }

            _keys[hole] = key;
        }

        public bool TryPop(out int rank, out int at)
        {
            if (_count == 0)
            {
                (rank, at) = (0, 0);
                return false;
            }

            ulong top = _keys[0];
            (rank, at) = ((int)(top >> 32), (int)(uint)top);
            if (--_count > 0)
                Sink(0, _keys[_count]);
            return true;
        }

        private static ulong Key(int rank, int at) => (ulong)(uint)rank << 32 | (uint)at;

        private void Sink(int hole, ulong key)
        {
            while (true)
            {
                int child = hole * 4 + 1;
                if (child >= _count)
                    break;
                int least = child;
                for (int i = child + 1; i < Math.Min(child + 4, _count); i++)
                    least = _keys[i] < _keys[least] ? i : least;
                if (_keys[least] >= key)
                    break;
                _keys[hole] = _keys[least];
                hole = least;
            }

            _keys[hole] = key;
        }
    }
}
