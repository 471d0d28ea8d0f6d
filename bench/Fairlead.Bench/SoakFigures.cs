using System.Globalization;
using System.Text;

namespace Fairlead.Bench;

/// <summary>Figures taken once a second, and whether they stayed flat after the warm-up.</summary>
/// <remarks>
/// The first fifth is warm-up. Memory is judged by the slope of a straight line through the lowest of every ten samples, since between two collections memory
/// rises and falls by itself: at most 1 MiB for 100,000 requests, where a run is long enough to tell that from noise; <see cref="NoiseMiB"/> over the whole run is
/// always allowed, and in a run shorter than <see cref="Long"/>, in which the runtime is still compiling and its heap has yet to find its size, <see cref="StartMiB"/>. Handles,
/// threads, sockets and processes are judged by the medians of the first and the last quarter; in a short run, which has not opened all of its assemblies
/// and sees now two workers and now three, with more slack. One handle lost at each of its fifty loads would be more than that.
/// </remarks>
internal sealed class SoakFigures
{
    private const double MiBPerRequest = 1.0 / 100_000;
    private const double NoiseMiB = 8, StartMiB = 128;
    private const int Long = 240; // samples, one a second
    private const double MiB = 1 << 20;
    private const int Window = 10;

    private readonly List<(long Requests, double Gateway, double Workers, int Handles, int Sockets, int Threads, int Processes)> _samples = [];
    private readonly List<(string What, string First, string Last, string Bound, bool Holds)> _rows = [];

    public void Sample(int gateway, long requests)
    {
        IReadOnlyList<int> workers = ProcessFigures.Children(gateway);
        (int handles, int sockets) = ProcessFigures.Handles(gateway);
        _samples.Add((requests, ProcessFigures.ResidentBytes(gateway) / MiB, workers.Sum(ProcessFigures.ResidentBytes) / MiB, handles, sockets, ProcessFigures.Threads(gateway), workers.Count));
    }

    /// <summary>A figure that has to be this and no other.</summary>
    public void Bound(string what, long value, long wanted) => _rows.Add((what, "", Text(value), $"= {Text(wanted)}", value == wanted));

    /// <summary>Judges the samples; true when every bound holds, those of <see cref="Bound"/> too.</summary>
    /// <param name="requests">Made in all.</param>
    /// <param name="budget">Bytes that all workers together may have.</param>
    public bool Judge(long requests, long budget)
    {
        var kept = _samples.Skip(_samples.Count / 5).ToList();
        if (kept.Count < 2 * Window)
            throw new InvalidOperationException("too short to judge: at least half a minute is needed");
        var floors = kept.Chunk(Window).Select(static window => window.MinBy(static s => s.Gateway)).ToList();
        double growth = Slope([.. floors.Select(static s => ((double)s.Requests, s.Gateway))]) * (floors[^1].Requests - floors[0].Requests);
        double allowed = Math.Max(_samples.Count < Long ? StartMiB : NoiseMiB, requests * MiBPerRequest);
        _rows.Insert(0, ("gateway's memory, MiB (line through the lowest of ten)", Text(floors[0].Gateway), Text(floors[0].Gateway + growth), $"grows ≤ {Text(allowed)}", growth <= allowed));
        int slack = _samples.Count < Long ? 16 : 4;
        Flat(1, "gateway's handles", kept, static s => s.Handles, slack);
        Flat(2, "gateway's sockets", kept, static s => s.Sockets, slack);
        Flat(3, "gateway's threads", kept, static s => s.Threads, slack);
        double most = kept.Max(static s => s.Workers);
        _rows.Insert(4, ("all workers' memory, most, MiB", "", Text(most), $"≤ {Text(budget / MiB)}", most <= budget / MiB));
        int processes = kept.Max(static s => s.Processes);
        _rows.Insert(5, ("workers at once, most", "", Text(processes), "≤ 3, one of them leaving", processes <= 3));
        return _rows.TrueForAll(static row => row.Holds);
    }

    public string ToMarkdown()
    {
        var text = new StringBuilder("| figure | after warm-up | at the end | bound | |\n|---|---|---|---|---|\n");
        foreach ((string what, string first, string last, string bound, bool holds) in _rows)
            text.AppendLine(CultureInfo.InvariantCulture, $"| {what} | {first} | {last} | {bound} | {(holds ? "holds" : "BROKEN")} |");
        return text.ToString();
    }

    private void Flat<T>(int row, string what, List<T> kept, Func<T, int> figure, int slack)
    {
        int first = Median(kept.Take(kept.Count / 4).Select(figure)), last = Median(kept.Skip(kept.Count * 3 / 4).Select(figure));
        int allowed = first + Math.Max(slack, first / 50);
        _rows.Insert(row, (what, Text(first), Text(last), $"≤ {Text(allowed)}", last <= allowed));
    }

    /// <summary>Of the straight line through the points that has the least squares.</summary>
    private static double Slope(List<(double X, double Y)> points)
    {
        double x = points.Average(static p => p.X), y = points.Average(static p => p.Y);
        double across = points.Sum(p => (p.X - x) * (p.X - x));
        return across == 0 ? 0 : points.Sum(p => (p.X - x) * (p.Y - y)) / across;
    }

    private static int Median(IEnumerable<int> values)
    {
        int[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    private static string Text(double value) => value.ToString("#,##0.#", CultureInfo.InvariantCulture);
}
