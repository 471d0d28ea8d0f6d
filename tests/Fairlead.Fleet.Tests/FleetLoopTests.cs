using System.Runtime.CompilerServices;
using Fairlead.Domain.Fleet;
using Fairlead.Shared;

namespace Fairlead.Fleet.Tests;

/// <summary>Requests and their places: who gets one, who leaves, who is told what; against real children.</summary>
public sealed class FleetLoopTests : IAsyncLifetime
{
    private readonly FleetYard _yard = new();

    [Fact]
    public async Task Nothing_is_started_before_somebody_asks()
    {
        _yard.Serve(_yard.Model("a", "good"));
        Assert.Equal(ModelState.Cold, _yard.Status("a").State);
        Assert.Equal(0, _yard.Starts("a"));
        await _yard.DisposeAsync();
        Assert.Equal(0, _yard.Starts("a"));
    }

    [Fact]
    public async Task A_thousand_who_ask_a_cold_model_at_once_cause_one_start_and_all_get_a_place()
    {
        _yard.Serve(_yard.Model("a", "good,load=200", static terms => terms with { Queue = 1_000 }));
        int cold = 0;
        await Task.WhenAll(Enumerable.Range(0, 1_000).Select(i => Task.Run(async () =>
        {
            using WorkerLease lease = await _yard.EnterAsync("a", tenant: $"tenant {i % 7}");
            Assert.True(lease.Worker.Ready.IsCompletedSuccessfully);
            if (lease.WasCold)
                Interlocked.Increment(ref cold);
        })));
        Assert.Equal(1_000, cold);
        Assert.Equal(1, _yard.Starts("a"));
        await _yard.UntilAsync("a", static status => status is { State: ModelState.Ready, Busy: 0, Waiting: 0, Loads: 1 });
    }

    [Fact]
    public async Task More_than_may_wait_are_refused_at_once_with_the_time_to_come_back()
    {
        _yard.Serve(_yard.Model("a", "good,hold=load", static terms => terms with { Queue = 10 }));
        Task<WorkerLease>[] all = [.. Enumerable.Range(0, 30).Select(_ => _yard.EnterAsync("a"))];
        await ScriptedWorker.UntilAsync(() => all.Count(static ask => ask.IsFaulted) == 20, "twenty are refused while ten wait");
        FleetRefusal[] refused = [.. all.Where(static ask => ask.IsFaulted).Select(static ask => ((FleetRefusedException)ask.Exception!.InnerException!).Refusal)];
        Assert.All(refused, static refusal => Assert.Equal((FleetRefusalKind.QueueFull, true), (refusal.Kind, refusal.RetryAfter > TimeSpan.Zero)));
        _yard.LetGoOn("a");
        foreach (Task<WorkerLease> ask in all.Where(static ask => !ask.IsFaulted))
            (await ask).Dispose();
    }

    [Fact]
    public async Task A_caller_who_does_not_wait_is_told_how_long_it_takes_and_finds_it_loaded_when_it_comes_back()
    {
        _yard.Serve(_yard.Model("a", "good"));
        FleetRefusal refusal = await _yard.RefusedAsync("a", patience: 0);
        Assert.Equal((FleetRefusalKind.Cold, true), (refusal.Kind, refusal.RetryAfter > TimeSpan.Zero));
        await _yard.UntilAsync("a", static status => status.State == ModelState.Ready);
        using WorkerLease lease = await _yard.EnterAsync("a", patience: 0);
        Assert.False(lease.WasCold);
    }

    [Fact]
    public async Task A_caller_who_leaves_is_let_go_and_the_others_wait_on()
    {
        _yard.Serve(_yard.Model("a", "good,hold=load"));
        using var leaving = new CancellationTokenSource();
        Task<WorkerLease> first = _yard.EnterAsync("a", cancellationToken: leaving.Token);
        Task<WorkerLease> second = _yard.EnterAsync("a");
        await _yard.UntilAsync("a", static status => status.Waiting == 2);
        await leaving.CancelAsync();
        OperationCanceledException told = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.Equal(leaving.Token, told.CancellationToken);
        await _yard.UntilAsync("a", static status => status.Waiting == 1);
        _yard.LetGoOn("a");
        (await second).Dispose();
        Assert.Equal(1, _yard.Starts("a"));
    }

    [Fact]
    public async Task A_caller_who_has_left_before_asking_is_not_heard()
    {
        _yard.Serve(_yard.Model("a", "good"));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _yard.EnterAsync("a", cancellationToken: new CancellationToken(canceled: true)));
        Assert.Equal(ModelState.Cold, _yard.Status("a").State);
    }

    [Fact]
    public async Task No_place_is_lost_or_given_twice_however_leaving_and_getting_it_meet()
    {
        _yard.Serve(_yard.Model("a", "good", static terms => terms with { Slots = 2, Queue = 10_000 }));
        await _yard.Loop.LoadAsync("local/a", FleetYard.Never);
        int got = 0, left = 0, inside = 0, most = 0;
        await Parallel.ForAsync(0, 4_000, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
        {
            using var leaving = new CancellationTokenSource();
            Task<WorkerLease> asked = _yard.EnterAsync("a", cancellationToken: leaving.Token);
            Task leaves = i % 3 == 0 ? leaving.CancelAsync() : i % 3 == 1 ? Task.Run(leaving.Cancel, CancellationToken.None) : Task.CompletedTask;
            try
            {
                using WorkerLease lease = await asked;
                int now = Interlocked.Increment(ref inside);
                for (int seen = most; now > seen; seen = most)
                    Interlocked.CompareExchange(ref most, now, seen);
                await Task.Yield();
                Interlocked.Decrement(ref inside);
                Interlocked.Increment(ref got);
            }
            catch (OperationCanceledException)
            {
                Interlocked.Increment(ref left);
            }
            await leaves;
        });
        Assert.Equal(4_000, got + left);
        Assert.True(got > 0 && left > 0, $"{got} got a place, {left} left");
        Assert.Equal(2, most); // a place that was given back twice would be given to two
        await _yard.UntilAsync("a", static status => status is { Busy: 0, Waiting: 0 });
    }

    [Fact]
    public async Task A_place_that_nobody_gives_back_is_found_and_said()
    {
        _yard.Serve(_yard.Model("a", "good"));
        await _yard.Loop.LoadAsync("local/a", FleetYard.Never);
        await LoseAsync();
        await ScriptedWorker.UntilAsync(
            () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return _yard.Status("a").Busy == 0;
            },
            "the place is found");
        Assert.Contains(_yard.Log, static line => line.StartsWith("Error local/a: a request's place was never given back", StringComparison.Ordinal));

        [MethodImpl(MethodImplOptions.NoInlining)]
        async Task LoseAsync() => _ = await _yard.EnterAsync("a");
    }

    [Fact]
    public async Task A_place_given_back_twice_is_given_back_once()
    {
        _yard.Serve(_yard.Model("a", "good"));
        WorkerLease first = await _yard.EnterAsync("a");
        using WorkerLease second = await _yard.EnterAsync("a");
        first.Dispose();
        first.Dispose();
        using WorkerLease third = await _yard.EnterAsync("a");
        await _yard.UntilAsync("a", static status => status.Busy == 2);
    }

    [Fact]
    public async Task Who_waits_is_told_at_once_and_then_again_where_the_model_stands_and_how_many_are_before()
    {
        _yard.Serve(_yard.Model("a", "good,load=100,hold=half"));
        Task<WorkerLease>[] before = [_yard.EnterAsync("a"), _yard.EnterAsync("a"), _yard.EnterAsync("a")];
        var told = new List<(ModelStatus Status, int Ahead)>();
        var ask = new WorkerAsk("LOCAL/A", "somebody", TimeSpan.FromSeconds(60)) { Waiting = (status, ahead) => { lock (told) told.Add((status, ahead)); } };
        Task<WorkerLease> asked = _yard.Loop.EnterAsync(ask, FleetYard.Never).AsTask();
        await ScriptedWorker.UntilAsync(
            () =>
            {
                lock (told)
                    return told.Count >= 3 && told.Exists(static word => word.Status is { State: ModelState.Loading, Share: > 0 and < 1 } && word.Ahead == 3);
            },
            "it is told again and again, and how far the load has come");
        _yard.LetGoOn("a");
        using WorkerLease lease = await asked;
        lock (told)
            Assert.Equal((ModelState.Queued, 3), (told[0].Status.State, told[0].Ahead));
        foreach (Task<WorkerLease> other in before)
            (await other).Dispose();
    }

    [Fact]
    public async Task One_who_throws_when_he_is_told_harms_nobody()
    {
        _yard.Serve(_yard.Model("a", "good,load=100"));
        var ask = new WorkerAsk("local/a", "somebody", TimeSpan.FromSeconds(60)) { Waiting = static (_, _) => throw new InvalidOperationException("not now") };
        (await _yard.Loop.EnterAsync(ask, FleetYard.Never)).Dispose();
        await ScriptedWorker.UntilAsync(() => _yard.Log.Any(static line => line.Contains("not now", StringComparison.Ordinal)), "the fault is logged");
    }

    [Fact]
    public async Task A_model_that_nobody_configured_is_unknown()
    {
        _yard.Serve();
        Assert.Equal(FleetRefusalKind.Unknown, (await _yard.RefusedAsync("a")).Kind);
        Assert.Null(_yard.Loop.Status("local/a"));
        Assert.Equal(FleetRefusalKind.Unknown, (await Assert.ThrowsAsync<FleetRefusedException>(() => _yard.Loop.LoadAsync("local/a", FleetYard.Never))).Refusal.Kind);
        Assert.Equal(FleetRefusalKind.Unknown, (await Assert.ThrowsAsync<FleetRefusedException>(() => _yard.Loop.StopAsync("local/a", now: true, FleetYard.Never))).Refusal.Kind);
    }

    [Fact]
    public void Two_models_of_one_name_are_a_mistake_that_is_told()
    {
        Assert.Throws<ArgumentException>(() => _yard.Serve(_yard.Model("a", "good"), _yard.Model("A", "good")));
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _yard.DisposeAsync();
}
