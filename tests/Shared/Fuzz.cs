using System.Diagnostics;
using System.Globalization;

namespace Fairlead.Shared;

/// <summary>How long the fuzzers run and where they begin. Each of them is marked with <see cref="Category"/>, so that they can be run alone.</summary>
internal static class Fuzz
{
    public const string Category = "Fuzz";

    /// <summary>For each fuzzer: <c>FAIRLEAD_FUZZ_SECONDS</c>, else 2.</summary>
    public static TimeSpan Time { get; } =
        TimeSpan.FromSeconds(double.TryParse(Environment.GetEnvironmentVariable("FAIRLEAD_FUZZ_SECONDS"), CultureInfo.InvariantCulture, out double asked) ? asked : 2);

    /// <summary><c>FAIRLEAD_FUZZ_SEED</c> repeats a run; each failure names the seed that it came of.</summary>
    public static int Seed { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("FAIRLEAD_FUZZ_SEED"), CultureInfo.InvariantCulture, out int given) ? given : 20_260;

    /// <summary>The numbers of a fuzzer's rounds, from 0: for as long as <see cref="Time"/> says, and no fewer than these, however little of the processor it gets.</summary>
    public static IEnumerable<int> Rounds(int least)
    {
        long began = Stopwatch.GetTimestamp();
        for (int round = 0; round < least || Stopwatch.GetElapsedTime(began) < Time; round++)
            yield return round;
    }
}
