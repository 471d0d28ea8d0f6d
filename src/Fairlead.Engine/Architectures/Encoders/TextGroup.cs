using System.Runtime.InteropServices;

namespace Fairlead.Engine.Architectures.Encoders;

/// <summary>Texts of a batch, one after the other, that go through all layers together.</summary>
/// <param name="Text">The first.</param>
/// <param name="Texts">How many.</param>
/// <param name="Row">Their first token.</param>
/// <param name="Rows">Their tokens.</param>
internal readonly record struct TextGroup(int Text, int Texts, int Row, int Rows)
{
    /// <summary>Groups of each thread, where there are rows for so many: texts which do not divide evenly then leave a thread with little less to do than another.</summary>
    private const int PerThread = 8;

    /// <summary>Tokens for which the weights are worth reading once more: of fewer, memory would be the limit.</summary>
    private const int WorthReading = 128;

    /// <summary>A thread may have this much more to do than its share, in hundredths, before all threads together are quicker: they lose about a tenth by waiting for each other after each product.</summary>
    private const int Uneven = 110;

    /// <summary>Cuts a batch into groups, and says which of them threads take each for itself, from its first layer to its last, without waiting for each other.</summary>
    /// <param name="lengths">Tokens of each text.</param>
    /// <param name="most">Tokens of a group of several texts.</param>
    /// <param name="threads">Threads that may each take a group; 1: groups stay in the order of the texts.</param>
    /// <param name="groups">Overwritten. Those that are taken one by each thread come first, the longest of them before the others: with those behind it what a thread was behind is made up for.</param>
    /// <returns>How many those are: as many for each thread, or none where that would be uneven. All threads together take the others.</returns>
    public static int Cut(ReadOnlySpan<int> lengths, int most, int threads, List<TextGroup> groups)
    {
        if (threads > 1)
        {
            int rows = 0;
            foreach (int length in lengths)
                rows += length;
            Fill(lengths, Math.Min(most, Math.Max(WorthReading, rows / (threads * PerThread))), groups);
            groups.Sort(static (a, b) => b.Rows.CompareTo(a.Rows));
            int apart = groups.Count / threads * threads;
            if (apart > 0 && IsEven(CollectionsMarshal.AsSpan(groups)[..apart], threads))
                return apart;
        }

        Fill(lengths, most, groups);
        return 0;
    }

    private static void Fill(ReadOnlySpan<int> lengths, int most, List<TextGroup> groups)
    {
        groups.Clear();
        for (int text = 0, row = 0; text < lengths.Length;)
        {
            int texts = 1, rows = lengths[text];
            while (text + texts < lengths.Length && rows + lengths[text + texts] <= most)
                rows += lengths[text + texts++];
            groups.Add(new TextGroup(text, texts, row, rows));
            text += texts;
            row += rows;
        }
    }

    /// <summary>Whether threads end about together of which each takes the next group when it is done with one.</summary>
    private static bool IsEven(ReadOnlySpan<TextGroup> groups, int threads)
    {
        var ends = new PriorityQueue<int, int>(threads);
        for (int thread = 0; thread < threads; thread++)
            ends.Enqueue(0, 0);
        long all = 0, last = 0;
        foreach (TextGroup group in groups)
        {
            int end = ends.Dequeue() + group.Rows;
            ends.Enqueue(end, end);
            all += group.Rows;
            last = Math.Max(last, end);
        }

        return last * threads * 100 <= all * Uneven;
    }
}
