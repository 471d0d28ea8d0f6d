namespace Fairlead.Engine.Generation.Speculation;

/// <summary>How long a model takes for some rows, by what it took lately: measured for each number of rows that has occurred, and a straight line between and beyond them.</summary>
/// <remarks>
/// What a row more costs is no constant: while reading the weights takes longer than computing with them it is next to nothing, later it is a row's computing, and where one ends and the other begins
/// depends on model, machine and neighbours. A figure is the lesser of its first two measurements, because the first meets code and memory that are cold, and then follows the later ones by an eighth
/// of the difference; what took far longer than expected was somebody else's doing, and counts as <see cref="Believable"/> says. Time comes in as an argument.
/// </remarks>
/// <param name="most">Rows of the longest pass that is measured.</param>
internal sealed class RowCosts(int most)
{
    /// <summary>Where only one number of rows was measured: what a row more takes, as a share of one pass, as the tables of one answer and of eight in docs/performance.md have it (0.05 to 0.11).</summary>
    private const double FirstGuess = 0.08;

    private const double Weight = 1.0 / 8;

    private readonly double[] _seconds = new double[most + 1];
    private readonly int[] _times = new int[most + 1]; // measured: 0, 1, or 2 for more

    /// <summary>Passes that were measured.</summary>
    public long Measured { get; private set; }

    /// <summary>Rows of the longest pass that was measured; 0 before the first.</summary>
    public int Largest { get; private set; }

    /// <summary>A pass of so many rows was computed.</summary>
    /// <param name="rows">From 1 to the most.</param>
    /// <param name="seconds">How long that took.</param>
    public void Learn(int rows, double seconds)
    {
        seconds = Believable(rows, seconds);
        ref double known = ref _seconds[rows];
        known = _times[rows] switch
        {
            0 => seconds,
            1 => Math.Min(known, seconds),
            _ => known + ((seconds - known) * Weight),
        };
        _times[rows] = Math.Min(2, _times[rows] + 1);
        Measured++;
        Largest = Math.Max(Largest, rows);
    }

    /// <summary>Of what a pass took, what is its own doing: no more than twice what was expected, or four times where so many rows were not measured yet.</summary>
    public double Believable(int rows, double seconds) =>
        Of(rows) is > 0 and var expected ? Math.Min(seconds, (_times[rows] > 0 ? 2 : 4) * expected) : seconds;

    /// <summary>Everything is taken to be a little cheaper than it was measured: whoever is not asked is not measured, and one bad measurement would be the last.</summary>
    /// <param name="share">Of what it costs.</param>
    public void Fade(double share)
    {
        foreach (ref double seconds in _seconds.AsSpan())
            seconds -= seconds * share;
    }

    /// <summary>Seconds of a pass of <paramref name="rows"/> rows; 0 for none, and while nothing was measured.</summary>
    /// <param name="rows">Any number; several passes are as long as one would be.</param>
    public double Of(int rows)
    {
        if (rows <= 0)
            return 0;
        int below = Math.Min(rows, most), above = rows;
        while (below > 0 && _times[below] == 0)
            below--;
        while (above <= most && _times[above] == 0)
            above++;
        if (below == rows)
            return _seconds[rows];
        if (below == 0)
            return above > most ? 0 : _seconds[above]; // no fewer rows take longer
        if (above <= most)
            return _seconds[below] + ((_seconds[above] - _seconds[below]) * (rows - below) / (above - below));
        return _seconds[below] + (Slope(below) * (rows - below));
    }

    /// <summary>The most rows, up to <paramref name="room"/>, that take no longer than <paramref name="seconds"/>; at least <paramref name="least"/>.</summary>
    public int Within(double seconds, int least, int room)
    {
        int low = Math.Min(least, room), high = room;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (Of(middle) <= seconds)
                low = middle;
            else
                high = middle - 1;
        }

        return low;
    }

    /// <summary>What a row more takes beyond the largest pass that was measured: never more than one of that pass.</summary>
    private double Slope(int largest)
    {
        int smallest = 1;
        while (_times[smallest] == 0)
            smallest++;
        double even = _seconds[largest] / largest;
        return smallest == largest ? Math.Min(even, FirstGuess * _seconds[largest]) : Math.Clamp((_seconds[largest] - _seconds[smallest]) / (largest - smallest), 0, even);
    }
}
