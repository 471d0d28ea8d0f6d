using System.Collections.Concurrent;
using Fairlead.Domain.Fleet;
using Fairlead.Shared;

namespace Fairlead.Fleet.Tests;

/// <summary>Workers that fail, hang, do not listen or stand still: what becomes of those inside, of those who wait, and of the model.</summary>
public sealed class FleetFaultTests : IAsyncLifetime
{
    private readonly LeapingTime _time = new();
    private readonly FleetYard _yard;

    public FleetFaultTests() => _yard = new FleetYard(_time);

    [Fact]
    public async Task A_load_that_fails_is_told_once_to_each_who_waits_with_the_last_line_and_is_tried_again_after_a_rest()
    {
        _yard.Limits = _yard.Limits with { FirstRest = TimeSpan.FromMinutes(1), LongestRest = TimeSpan.FromMinutes(5) };
        _yard.Serve(_yard.Model("a", "fails"));
        FleetRefusal[] told = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => _yard.RefusedAsync("a")));
        Assert.All(told, static refusal => Assert.Contains("model.safetensors at byte 8: the header is no JSON", refusal.Reason, StringComparison.Ordinal));
        Assert.Equal(1, _yard.Starts("a"));
        FleetRefusal resting = await _yard.RefusedAsync("a");
        Assert.Equal((FleetRefusalKind.Resting, true), (resting.Kind, resting.RetryAfter > TimeSpan.FromSeconds(50)));
        Assert.Equal((ModelState.Resting, 1L), (_yard.Status("a").State, _yard.Status("a").FailedLoads));
        _time.Leap(TimeSpan.FromMinutes(1));
        Assert.Equal(FleetRefusalKind.LoadFailed, (await _yard.RefusedAsync("a")).Kind);
        Assert.Equal(2, _yard.Starts("a"));
        Assert.Contains(_yard.Loop.Lines("local/a"), static line => line.EndsWith("reading the header", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Whoever_is_told_what_has_come_of_a_model_finds_its_figures_saying_so()
    {
        _yard.Limits = _yard.Limits with { FirstRest = TimeSpan.FromMinutes(1) };
        _yard.Serve(_yard.Model("fails", "fails"), _yard.Model("a", "good"), _yard.Model("b", "good"));
        _time.Lag = TimeSpan.FromMilliseconds(30);
        await _yard.RefusedAsync("fails");
        Assert.Equal((ModelState.Resting, true), (_yard.Status("fails").State, _yard.Status("fails").Reason?.Contains("the header is no JSON", StringComparison.Ordinal)));
        using (await _yard.EnterAsync("a"))
        {
            Assert.Equal((ModelState.Ready, 1), (_yard.Status("a").State, _yard.Status("a").Busy));
        }
        await _yard.Loop.LoadAsync("local/b", FleetYard.Never);
        Assert.Equal(ModelState.Ready, _yard.Status("b").State);
        await _yard.Loop.StopAsync("local/b", now: false, FleetYard.Never);
        Assert.Equal(ModelState.Cold, _yard.Status("b").State);
    }

    [Fact]
    public async Task Whoever_is_told_that_his_worker_has_died_gets_a_place_in_the_next_one()
    {
        _yard.Limits = _yard.Limits with { CrashesToPark = 100 };
        _yard.Serve(_yard.Model("a", "good"));
        using (WorkerLease living = await _yard.EnterAsync("a"))
        {
            Assert.Null(await living.DeathAsync(TimeSpan.FromMilliseconds(1)));
        }
        _time.Lag = TimeSpan.FromMilliseconds(10);
        for (int i = 0; i < 3; i++)
        {
            using WorkerLease lease = await _yard.EnterAsync("a");
            FleetYard.Signal(lease.Worker.Id, "KILL");
            Assert.Contains("signal 9", await lease.DeathAsync(TimeSpan.FromMinutes(1)), StringComparison.Ordinal);
            Assert.Equal(i + 1, _yard.Status("a").Crashes);
            using WorkerLease next = await _yard.EnterAsync("a");
            Assert.NotEqual(lease.Worker.Id, next.Worker.Id);
        }
    }

    [Fact]
    public async Task A_program_that_is_not_there_is_a_load_that_fails()
    {
        _yard.Options = _yard.Options with { Own = new("/no/such/program", []) };
        _yard.Serve(_yard.Model("a", "good"));
        FleetRefusal refusal = await _yard.RefusedAsync("a");
        Assert.Equal(FleetRefusalKind.LoadFailed, refusal.Kind);
        Assert.Contains("could not be started", refusal.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_killed_in_mid_load_fails_those_who_wait_and_nobody_else()
    {
        _yard.Serve(_yard.Model("a", "never-ready"), _yard.Model("b", "good"));
        using WorkerLease other = await _yard.EnterAsync("b");
        Task<FleetRefusal> waiting = _yard.RefusedAsync("a");
        await _yard.UntilAsync("a", static status => status.State == ModelState.Loading);
        FleetYard.Signal(_yard.Processes("a").Single(), "KILL");
        FleetRefusal refusal = await waiting;
        Assert.Equal(FleetRefusalKind.LoadFailed, refusal.Kind);
        Assert.Contains("signal 9", refusal.Reason, StringComparison.Ordinal);
        Assert.False(other.Worker.Exited.IsCompleted);
        Assert.Single(_yard.Sockets);
    }

    [Fact]
    public async Task A_load_that_hangs_is_ended_when_its_time_is_over()
    {
        _yard.Serve(_yard.Model("a", "never-ready"));
        Task<FleetRefusal> waiting = _yard.RefusedAsync("a", patience: 100_000);
        await _yard.UntilAsync("a", static status => status.State == ModelState.Loading);
        int process = _yard.Processes("a").Single();
        _time.Leap(TimeSpan.FromSeconds(299)); // as long as a load may take by itself; who waits has the same patience, and the load began a moment later
        _time.Leap(TimeSpan.FromSeconds(10));
        FleetRefusal refusal = await waiting;
        Assert.True(refusal.Kind is FleetRefusalKind.LoadFailed or FleetRefusalKind.WaitedTooLong, refusal.ToString());
        await ScriptedWorker.UntilAsync(() => !FleetYard.Lives(process) && _yard.Sockets.Length == 0, "the hung load is gone");
        Assert.Equal(1, _yard.Status("a").FailedLoads);
    }

    [Fact]
    public async Task A_worker_that_does_not_hear_stop_is_killed_after_its_farewell_and_the_next_one_comes_up()
    {
        _yard.Limits = _yard.Limits with { Farewell = TimeSpan.FromMilliseconds(300) };
        _yard.Serve(_yard.Model("a", "deaf"));
        (await _yard.EnterAsync("a")).Dispose();
        int first = _yard.Processes("a").Single();
        StopOutcome outcome = await _yard.Loop.StopAsync("local/a", now: false, FleetYard.Never);
        Assert.True(outcome is { Freed: > 1 << 20, BrokenOff: 0 }, outcome.ToString());
        Assert.False(FleetYard.Lives(first));
        Assert.Empty(_yard.Sockets);
        (await _yard.EnterAsync("a")).Dispose();
        Assert.Equal(2, _yard.Starts("a"));
    }

    [Fact]
    public async Task A_worker_that_stands_still_is_ended_those_inside_see_it_and_those_who_wait_get_the_next_one()
    {
        _yard.Serve(_yard.Model("a", "good", static terms => terms with { Slots = 1 }));
        using WorkerLease inside = await _yard.EnterAsync("a");
        Task<WorkerLease> waiting = _yard.EnterAsync("a", patience: 100_000);
        await ScriptedWorker.UntilAsync(() => _yard.Loop.Health("local/a") is { Status: "ready" }, "it has answered once");
        FleetYard.Signal(inside.Worker.Id, "STOP");
        // Patience passes for this one alone: the next one is asked on a clock that a busy machine keeps up with.
        await ScriptedWorker.UntilAsync(
            () =>
            {
                if (!inside.Worker.Exited.IsCompleted)
                    _time.Leap(_yard.Options.HealthPatience);
                return inside.Worker.Exited.IsCompleted;
            },
            "it is ended");
        using WorkerLease next = await waiting;
        Assert.NotEqual(inside.Worker.Id, next.Worker.Id);
        Assert.True(next.WasCold || next.Waited > TimeSpan.Zero);
        ModelStatus status = _yard.Status("a");
        Assert.Equal(1, status.Crashes);
    }

    [Fact]
    public async Task A_model_that_keeps_crashing_is_parked_says_why_and_comes_back_when_an_operator_loads_it()
    {
        var changed = new ConcurrentQueue<string>();
        _yard.Loop.Changed += changed.Enqueue;
        _yard.Serve(_yard.Model("a", "good"));
        for (int i = 0; i < 3; i++)
        {
            using WorkerLease lease = await _yard.EnterAsync("a");
            FleetYard.Signal(lease.Worker.Id, "KILL");
            await lease.Worker.Exited;
            await _yard.UntilAsync("a", status => status.Crashes == i + 1);
        }
        await _yard.UntilAsync("a", static status => status.State == ModelState.Parked);
        Assert.Contains("signal 9", _yard.Status("a").Reason, StringComparison.Ordinal);
        FleetRefusal refusal = await _yard.RefusedAsync("a");
        Assert.Equal((FleetRefusalKind.Parked, null), (refusal.Kind, refusal.RetryAfter));
        Assert.Equal(3, _yard.Starts("a"));
        int before = changed.Count;
        await _yard.Loop.LoadAsync("LOCAL/A", FleetYard.Never);
        await _yard.UntilAsync("a", static status => status.State == ModelState.Ready);
        (await _yard.EnterAsync("a")).Dispose();
        await ScriptedWorker.UntilAsync(() => changed.Count > before, "its return is announced");
        Assert.All(changed, static model => Assert.Equal("local/a", model));
    }

    [Fact]
    public async Task What_an_operator_wants_loaded_and_cannot_be_is_told_with_the_reason()
    {
        _yard.Serve(_yard.Model("a", "fails"), _yard.Model("b", $"good,need={5 * FleetYard.GiB}"));
        Assert.Equal(FleetRefusalKind.LoadFailed, (await Assert.ThrowsAsync<FleetRefusedException>(() => _yard.Loop.LoadAsync("local/a", FleetYard.Never))).Refusal.Kind);
        FleetRefusal large = (await Assert.ThrowsAsync<FleetRefusedException>(() => _yard.Loop.LoadAsync("local/b", FleetYard.Never))).Refusal;
        Assert.Equal(FleetRefusalKind.TooLarge, large.Kind);
        Assert.Contains("GiB", large.Reason, StringComparison.Ordinal);
        await ScriptedWorker.UntilAsync(() => !_yard.Processes("b").Any(FleetYard.Lives), "the one that cannot fit goes");
    }

    [Fact]
    public async Task Two_models_that_do_not_fit_together_are_asked_in_turn_and_no_request_is_broken_off()
    {
        string need = $"good,need={3 * FleetYard.GiB}";
        _yard.Serve(_yard.Model("a", need), _yard.Model("b", need));
        for (int i = 0; i < 4; i++)
        {
            string own = i % 2 == 0 ? "a" : "b";
            using WorkerLease lease = await _yard.EnterAsync(own);
            Task<WorkerLease> other = _yard.EnterAsync(own == "a" ? "b" : "a");
            Assert.False(other.IsCompleted);
            Assert.False(lease.Worker.Exited.IsCompleted);
            lease.Dispose();
            using WorkerLease got = await other;
            Assert.True(lease.Worker.Exited.IsCompleted); // its memory was free before the other was let load
        }
        Assert.Equal((2, 2L, 3, 2L), (_yard.Starts("b"), _yard.Status("b").Evictions, _yard.Starts("a"), _yard.Status("a").Evictions));
        Assert.Equal((0L, 0L), (_yard.Status("a").Crashes, _yard.Status("b").Crashes));
    }

    [Fact]
    public async Task A_busy_model_gives_way_after_its_turn_and_finishes_first()
    {
        string need = $"good,need={3 * FleetYard.GiB}";
        _yard.Serve(_yard.Model("a", need), _yard.Model("b", need));
        WorkerLease inside = await _yard.EnterAsync("a");
        Task<WorkerLease> other = _yard.EnterAsync("b");
        await _yard.UntilAsync("b", static status => status.Waiting == 1);
        _time.Leap(_yard.Limits.Turn + TimeSpan.FromSeconds(1));
        await _yard.UntilAsync("a", static status => status.State == ModelState.Draining);
        Task<WorkerLease> newcomer = _yard.EnterAsync("a");
        Assert.False(inside.Worker.Exited.IsCompleted);
        inside.Dispose();
        using (await other)
        {
            Assert.False(newcomer.IsCompleted);
        }
        (await newcomer).Dispose();
        Assert.Equal((2, 1), (_yard.Starts("a"), _yard.Starts("b")));
    }

    [Fact]
    public async Task An_idle_model_is_unloaded_when_its_time_is_over_and_not_while_somebody_is_inside()
    {
        _yard.Serve(_yard.Model("a", "good", static terms => terms with { Keep = TimeSpan.FromMinutes(1) }));
        WorkerLease lease = await _yard.EnterAsync("a");
        _time.Leap(TimeSpan.FromMinutes(10));
        await _yard.UntilAsync("a", static status => status is { State: ModelState.Ready, UnloadsIn: null, Busy: 1 });
        lease.Dispose();
        await _yard.UntilAsync("a", static status => status.UnloadsIn > TimeSpan.FromSeconds(50));
        _time.Leap(TimeSpan.FromMinutes(1));
        await lease.Worker.Exited;
        await _yard.UntilAsync("a", static status => status is { State: ModelState.Cold, IdleUnloads: 1, Crashes: 0 });
        Assert.Empty(_yard.Sockets);
    }

    [Fact]
    public async Task Stopped_at_once_a_model_says_how_many_requests_it_broke_off()
    {
        _yard.Serve(_yard.Model("a", "good"));
        using WorkerLease first = await _yard.EnterAsync("a");
        using WorkerLease second = await _yard.EnterAsync("a");
        StopOutcome outcome = await _yard.Loop.StopAsync("local/a", now: true, FleetYard.Never);
        Assert.True(first.Worker.Exited.IsCompleted);
        Assert.Equal((2, true), (outcome.BrokenOff, outcome.Freed > 1 << 20));
        Assert.Equal(default, await _yard.Loop.StopAsync("local/a", now: true, FleetYard.Never)); // nothing to stop
        (await _yard.EnterAsync("a")).Dispose();
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _yard.DisposeAsync();
}
