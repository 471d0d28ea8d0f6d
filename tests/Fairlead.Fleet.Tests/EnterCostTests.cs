using System.Diagnostics;
using Fairlead.Domain.Fleet;

namespace Fairlead.Fleet.Tests;

/// <summary>What a request to a loaded model pays for its place.</summary>
[Collection(nameof(Alone))]
public sealed class EnterCostTests(ITestOutputHelper output)
{
    private const int Rounds = 50_000;

    /// <summary>Most bytes for one way in and out. Measured: see the output; the ask, its message, its lease, two statuses for whoever looks, and the plan's record of it.</summary>
    private const long MostBytes = 1_536;

    [Fact]
    public async Task The_way_into_a_loaded_worker_and_out_of_it_crosses_no_thread_and_allocates_little()
    {
        await using var yard = new FleetYard();
        yard.Serve([yard.Model("a", "good"), .. Enumerable.Range(0, 9).Select(i => yard.Model($"other{i}", "good"))]); // the others' figures are not copied for each request
        var ask = new WorkerAsk("local/a", "somebody", TimeSpan.FromSeconds(60));
        (await yard.Loop.EnterAsync(ask, FleetYard.Never)).Dispose();
        await yard.UntilAsync("a", static status => status is { State: ModelState.Ready, Busy: 0 });
        (long Bytes, TimeSpan Took, int Crossed) best = (long.MaxValue, TimeSpan.MaxValue, int.MaxValue);
        for (int round = 0; round < 5; round++)
        {
            // The worker is weighed and probed meanwhile, now and then on the loop's own turn, which may be held up: the least of five is the cost of the way itself.
            (long bytes, TimeSpan took, int crossed) = Measure(yard.Loop, ask);
            best = (Math.Min(best.Bytes, bytes), took < best.Took ? took : best.Took, Math.Min(best.Crossed, crossed));
        }
        output.WriteLine($"{best.Took.TotalMicroseconds / Rounds:F2} µs and {best.Bytes / Rounds} bytes for one way in and out; {best.Crossed} of {Rounds} crossed a thread");
        Assert.InRange(best.Bytes / Rounds, 1, MostBytes);
        Assert.InRange(best.Crossed, 0, Rounds / 100); // only where another message was just being read
    }

    private static (long Bytes, TimeSpan Took, int Crossed) Measure(FleetLoop loop, WorkerAsk ask)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        long began = Stopwatch.GetTimestamp();
        int crossed = 0;
        for (int i = 0; i < Rounds; i++)
        {
            ValueTask<WorkerLease> entered = loop.EnterAsync(ask, FleetYard.Never);
            if (!entered.IsCompletedSuccessfully)
            {
                crossed++;
                entered.AsTask().GetAwaiter().GetResult().Dispose();
                continue;
            }
            entered.GetAwaiter().GetResult().Dispose();
        }
        TimeSpan took = Stopwatch.GetElapsedTime(began);
        return (GC.GetAllocatedBytesForCurrentThread() - before, took, crossed);
    }
}
