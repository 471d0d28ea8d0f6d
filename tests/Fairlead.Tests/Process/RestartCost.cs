namespace Fairlead.Tests.Process;

/// <summary>
/// What a server's past adds to its start: the CPU time of a restart as a multiple of the same of a server without a past. Both start by turns, so
/// that whatever else is done on the cores meanwhile lengthens both; a limit in seconds would tell how busy the machine is.
/// </summary>
internal static class RestartCost
{
    private const int Turns = 3;

    /// <param name="past">A server with a past, not running. It is not running afterwards either.</param>
    /// <returns>The least CPU time until the first answer of three starts after a kill, divided by the least of three without a past: 1 where the past adds nothing. And how
    /// long the quickest of the three without a past took.</returns>
    public static async Task<(double Cpu, TimeSpan Young)> MeasureAsync(FairleadProcess past)
    {
        await using var young = new FairleadProcess("");
        await young.StartAsync(); // makes its data folder, which is no part of a restart
        await young.KillAsync();
        (TimeSpan least, TimeSpan leastYoung, TimeSpan quickest) = (TimeSpan.MaxValue, TimeSpan.MaxValue, TimeSpan.MaxValue);
        for (int turn = 0; turn < Turns; turn++)
        {
            least = Least(least, (await StartAsync(past)).Cpu);
            (TimeSpan cpu, TimeSpan took) = await StartAsync(young);
            (leastYoung, quickest) = (Least(leastYoung, cpu), Least(quickest, took));
        }
        return (least / leastYoung, quickest);
    }

    private static async Task<(TimeSpan Cpu, TimeSpan Took)> StartAsync(FairleadProcess server)
    {
        TimeSpan took = await server.StartAsync();
        TimeSpan cpu = server.StartCpu;
        await server.KillAsync();
        return (cpu, took);
    }

    private static TimeSpan Least(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
