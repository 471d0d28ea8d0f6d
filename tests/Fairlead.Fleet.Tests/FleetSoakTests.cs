using System.Globalization;
using Fairlead.Domain.Fleet;

namespace Fairlead.Fleet.Tests;

/// <summary>A loop alone under everything at once, for <c>FAIRLEAD_SOAK_SECONDS</c> (6 unless said): requests, callers who leave, loads, stops, kills, workers that stand
/// still, and configurations that change, over models that do not fit together. What the whole gateway does in an hour is bench/soak.sh.</summary>
[Collection(nameof(Alone))]
public sealed class FleetSoakTests(ITestOutputHelper output)
{
    private static readonly string[] Names = ["a", "b", "c"];
    private readonly List<Task> _loads = [];
    private int _granted, _refused, _left, _broken, _kills;

    [Fact]
    public async Task After_everything_at_once_every_request_was_decided_and_nothing_is_left_or_grown()
    {
        double seconds = double.Parse(Environment.GetEnvironmentVariable("FAIRLEAD_SOAK_SECONDS") ?? "6", CultureInfo.InvariantCulture);
        await RoundAsync(seed: 1, TimeSpan.FromSeconds(Math.Min(2, seconds / 4))); // what is made once is made now
        (string[] handles, long bytes) before = Settled();
        await RoundAsync(seed: 2, TimeSpan.FromSeconds(seconds));
        (string[] handles, long bytes) after = Settled();
        output.WriteLine($"{_granted} granted, {_refused} refused, {_left} left, {_broken} found their worker dead, {_kills} workers killed or stopped; handles {before.handles.Length} → {after.handles.Length}, heap {before.bytes} → {after.bytes}");
        Assert.True(_granted > 50, $"only {_granted} requests got a place");
        Assert.True(_kills > 0);
        Assert.True(after.handles.Length <= before.handles.Length + 4, $"more handles than before: {string.Join(", ", after.handles.CountBy(static h => h).Except(before.handles.CountBy(static h => h)))}");
        Assert.InRange(after.bytes, 0, before.bytes + (2 << 20));
    }

    private async Task RoundAsync(int seed, TimeSpan length)
    {
        await using var yard = new FleetYard();
        yard.Options = yard.Options with { HealthEvery = TimeSpan.FromMilliseconds(250), HealthPatience = TimeSpan.FromMilliseconds(500) };
        yard.Limits = yard.Limits with
        {
            Memory = 5 * FleetYard.GiB / 2, Turn = TimeSpan.FromMilliseconds(200), Drain = TimeSpan.FromSeconds(1), CrashesToPark = 10,
            FirstRest = TimeSpan.FromMilliseconds(20), LongestRest = TimeSpan.FromMilliseconds(100), Farewell = TimeSpan.FromMilliseconds(500),
        };
        ServedSpec[] models = [.. Names.Select(name => yard.Model(name, $"good,load=30,need={FleetYard.GiB}", static terms => terms with { Slots = 2, Keep = TimeSpan.FromMilliseconds(300) }))];
        yard.Serve(models);
        using var over = new CancellationTokenSource(length);
        await Task.WhenAll([.. Enumerable.Range(0, 8).Select(i => CallAsync(yard, new Random(seed * 100 + i), over.Token)), HarmAsync(yard, models, new Random(seed), over.Token)]);
        await yard.UntilAsync("a", static status => status is { Busy: 0, Waiting: 0 });
        await Task.WhenAll(_loads).WaitAsync(TimeSpan.FromSeconds(30)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // some were refused, which is their right
        Assert.All(_loads, load => Assert.True(load.IsCompletedSuccessfully || load.Exception?.InnerException is FleetRefusedException, $"a wish to load is {load.Status} while {string.Join(", ", yard.Loop.Statuses)}"));
        _loads.Clear();
        int[] processes = [.. Names.SelectMany(yard.Processes)];
        await yard.Loop.CloseAsync(TimeSpan.FromSeconds(2));
        Assert.All(processes, static process => Assert.False(FleetYard.Lives(process)));
        Assert.Empty(yard.Sockets);
    }

    private async Task CallAsync(FleetYard yard, Random random, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            using var leaving = new CancellationTokenSource();
            if (random.Next(8) == 0)
                leaving.CancelAfter(random.Next(60));
            try
            {
                using WorkerLease lease = await yard.EnterAsync(Names[random.Next(Names.Length)], $"tenant {random.Next(3)}", patience: random.Next(4) == 0 ? 0 : 20, leaving.Token);
                Interlocked.Increment(ref _granted);
                Task ends = await Task.WhenAny(lease.Worker.Exited, Task.Delay(random.Next(30), CancellationToken.None)); // the answer takes a while, or breaks off
                if (ends == lease.Worker.Exited)
                    Interlocked.Increment(ref _broken);
            }
            catch (FleetRefusedException)
            {
                Interlocked.Increment(ref _refused);
                await Task.Delay(random.Next(20), CancellationToken.None); // as one who reads Retry-After, in a hurry
            }
            catch (OperationCanceledException)
            {
                Interlocked.Increment(ref _left);
            }
        }
    }

    private async Task HarmAsync(FleetYard yard, ServedSpec[] models, Random random, CancellationToken over)
    {
        using var pulse = new PeriodicTimer(TimeSpan.FromMilliseconds(120));
        while (!over.IsCancellationRequested)
        {
            await pulse.WaitForNextTickAsync(CancellationToken.None);
            string name = Names[random.Next(Names.Length)];
            switch (random.Next(6))
            {
                case 0:
                    await yard.Loop.StopAsync($"local/{name}", now: random.Next(2) == 0, CancellationToken.None);
                    Interlocked.Increment(ref _kills);
                    break;
                case 1:
                    _loads.Add(yard.Loop.LoadAsync($"local/{name}", CancellationToken.None));
                    break;
                case 2:
                    yard.Serve([.. models.Select(model => random.Next(4) == 0 ? model with { Spec = model.Spec with { Threads = random.Next(1, 3) } } : model)]);
                    break;
                default:
                    if (yard.Processes(name) is [.., int last] && FleetYard.Lives(last))
                    {
                        // One that stands still while it loads may do so for as long as its files could take, which is longer than this test.
                        FleetYard.Signal(last, random.Next(3) == 0 && yard.Status(name).State == ModelState.Ready ? "STOP" : "KILL");
                        Interlocked.Increment(ref _kills);
                    }
                    break;
            }
        }
        yard.Serve(models);
    }

    /// <summary>What this process holds open, by kind, and its heap, when the collector has done all it can.</summary>
    private static (string[] Handles, long Bytes) Settled()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        string[] handles = [.. Directory.GetFiles("/proc/self/fd").Select(static path => new FileInfo(path).LinkTarget?.Split(':')[0] ?? "closed")];
        return (handles, GC.GetTotalMemory(forceFullCollection: true));
    }
}
