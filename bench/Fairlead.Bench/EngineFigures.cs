using System.Globalization;

namespace Fairlead.Bench;

/// <summary>What one line of work came to.</summary>
/// <param name="Seconds">From its beginning to its end, as the engine's process sees it.</param>
/// <param name="CpuSeconds">Processor time of that process, all its threads.</param>
/// <param name="Tokens">Read or written, as the line wants.</param>
/// <param name="ResidentBytes">Of the process, afterwards.</param>
/// <param name="Joules">Of the whole machine meanwhile; null where it does not tell.</param>
internal sealed record EngineFigure(double Seconds, double CpuSeconds, int Tokens, long ResidentBytes, double? Joules)
{
    /// <summary>What the engine's own clock says of its steps, where it has one.</summary>
    public double? OwnSeconds { get; init; }

    /// <summary>The first of the answer, where it is numbers.</summary>
    public double[]? Values { get; init; }

    public double TokensPerSecond => Tokens / Seconds;
}

/// <summary>The rounds of one line of work.</summary>
internal sealed class EngineFigures
{
    private readonly List<EngineFigure> _all = [];

    public IReadOnlyList<EngineFigure> All => _all;

    /// <summary>Tokens a second, median.</summary>
    public double Speed => Median(static figure => figure.TokensPerSecond);

    /// <summary>Tokens a second of processor time, median.</summary>
    public double SpeedPerCpu => Median(static figure => figure.Tokens / figure.CpuSeconds);

    /// <summary>Tokens a second with their range.</summary>
    public string Tokens => Range(static figure => figure.TokensPerSecond);

    /// <summary>Milliseconds with their range.</summary>
    public string Milliseconds => Range(static figure => figure.Seconds * 1000);

    /// <summary>Joules a token; null where the machine does not tell.</summary>
    public double? Joules => _all.TrueForAll(static figure => figure.Joules is not null) ? Median(static figure => figure.Joules!.Value / figure.Tokens) : null;

    /// <summary>Both do a line in turns.</summary>
    public static async Task<(EngineFigures Ours, EngineFigures Theirs)> TurnsAsync(EngineProcess ours, EngineProcess theirs, string line, int rounds)
    {
        EngineFigures mine = new(), other = new();
        for (int round = 0; round < rounds; round++)
        {
            await ours.RestAsync();
            other._all.Add(await theirs.DoAsync(line));
            await theirs.RestAsync();
            mine._all.Add(await ours.DoAsync(line));
        }

        return (mine, other);
    }

    /// <summary>The middle one, or half-way between the two in the middle.</summary>
    public double Median(Func<EngineFigure, double> of)
    {
        double[] sorted = [.. _all.Select(of).Order()];
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }

    private string Range(Func<EngineFigure, double> of) => string.Create(CultureInfo.InvariantCulture, $"{Median(of):F1} [{_all.Min(of):F1}–{_all.Max(of):F1}]");
}
