using System.Collections.Concurrent;
using Fairlead.Domain.Fleet;
using Fairlead.Shared;

namespace Fairlead.Fleet.Tests;

/// <summary>A loop from its beginning to its end: configurations that change under load, restarts, and what is left behind, which is nothing.</summary>
public sealed class FleetLifeTests : IAsyncLifetime
{
    private readonly FleetYard _yard = new();

    [Fact]
    public async Task A_model_that_leaves_the_configuration_finishes_what_it_has_begun_and_those_who_wait_are_told()
    {
        _yard.Serve(_yard.Model("a", "good", static terms => terms with { Slots = 1 }), _yard.Model("b", "good"));
        WorkerLease inside = await _yard.EnterAsync("a");
        using WorkerLease other = await _yard.EnterAsync("b");
        Task<FleetRefusal> waiting = _yard.RefusedAsync("a");
        _yard.Serve(_yard.Model("b", "good"));
        Assert.Equal(FleetRefusalKind.Unknown, (await waiting).Kind);
        Assert.Null(_yard.Loop.Status("local/a"));
        Assert.False(inside.Worker.Exited.IsCompleted);
        inside.Dispose();
        await inside.Worker.Exited;
        using WorkerLease same = await _yard.EnterAsync("b");
        Assert.Equal(other.Worker.Id, same.Worker.Id);
    }

    [Fact]
    public async Task A_model_that_is_configured_otherwise_is_loaded_anew_and_the_old_worker_finishes_first()
    {
        ServedSpec model = _yard.Model("a", "good");
        var known = new ConcurrentQueue<long?>();
        _yard.Loop.Changed += name => known.Enqueue(_yard.Loop.Facts(name)?.Context);
        _yard.Serve(model);
        WorkerLease inside = await _yard.EnterAsync("a");
        Assert.Equal(4_096, _yard.Loop.Facts("local/a")!.Context);
        _yard.Serve(model with { Spec = model.Spec with { Context = 1_024 } });
        Assert.Null(_yard.Loop.Facts("local/a"));
        Task<WorkerLease> next = _yard.EnterAsync("a");
        Assert.False(next.IsCompleted);
        inside.Dispose();
        using WorkerLease lease = await next;
        Assert.NotEqual(inside.Worker.Id, lease.Worker.Id);
        Assert.Equal(1_024, _yard.Loop.Facts("local/a")!.Context);
        Assert.Equal(2, _yard.Processes("a").Length); // the lines of both are kept
        await ScriptedWorker.UntilAsync(() => known.SequenceEqual([4_096L, 1_024L]), "what each of them is was announced once");
    }

    [Fact]
    public async Task The_same_configuration_again_disturbs_nobody()
    {
        _yard.Serve(_yard.Model("a", "good"));
        using WorkerLease inside = await _yard.EnterAsync("a");
        _yard.Serve(_yard.Model("a", "good", static terms => terms with { Keep = null, Queue = 7 }));
        using WorkerLease next = await _yard.EnterAsync("a");
        Assert.Equal(inside.Worker.Id, next.Worker.Id);
        Assert.NotNull(_yard.Loop.Facts("local/a"));
    }

    [Fact]
    public async Task Configurations_that_change_under_load_lose_no_request()
    {
        ServedSpec[] models = [_yard.Model("a", "good"), _yard.Model("b", "good"), _yard.Model("c", "good")];
        _yard.Serve(models);
        using var over = new CancellationTokenSource();
        int granted = 0, refused = 0;
        Task changing = Task.Run(async () =>
        {
            using var pulse = new PeriodicTimer(TimeSpan.FromMilliseconds(60));
            for (int i = 0; !over.IsCancellationRequested; i++)
            {
                int before = Volatile.Read(ref granted);
                do
                    await pulse.WaitForNextTickAsync(FleetYard.Never);
                while (i % 4 == 0 && Volatile.Read(ref granted) == before && !over.IsCancellationRequested); // all are configured now: a slow machine has the time to load one
                _yard.Serve([.. models.Where((_, at) => at != i % 4).Select(m => m with { Spec = m.Spec with { Threads = i % 5 == 0 ? 2 : 1 } })]);
            }
        });
        await Parallel.ForAsync(0, 400, new ParallelOptions { MaxDegreeOfParallelism = 12 }, async (i, _) =>
        {
            try
            {
                using WorkerLease lease = await _yard.EnterAsync($"{(char)('a' + i % 3)}", cancellationToken: FleetYard.Never);
                await Task.Yield();
                Interlocked.Increment(ref granted);
            }
            catch (FleetRefusedException e) when (e.Refusal.Kind == FleetRefusalKind.Unknown)
            {
                Interlocked.Increment(ref refused);
            }
        });
        await over.CancelAsync();
        await changing;
        Assert.Equal(400, granted + refused);
        Assert.True(granted > 0);
        _yard.Serve();
        await ScriptedWorker.UntilAsync(() => _yard.Sockets.Length == 0, "all workers go");
    }

    [Fact]
    public async Task Disposed_under_load_a_loop_refuses_all_who_wait_and_leaves_no_process_and_no_socket()
    {
        _yard.Serve(_yard.Model("ready", "good", static terms => terms with { Slots = 1 }), _yard.Model("loading", "never-ready"), _yard.Model("deaf", "deaf"), _yard.Model("starting", "no-needs"));
        using WorkerLease inside = await _yard.EnterAsync("ready");
        using WorkerLease deaf = await _yard.EnterAsync("deaf");
        Task<FleetRefusal>[] waiting = [_yard.RefusedAsync("ready"), _yard.RefusedAsync("loading"), _yard.RefusedAsync("starting")];
        Task load = _yard.Loop.LoadAsync("local/loading", FleetYard.Never);
        await _yard.UntilAsync("loading", static status => status.State == ModelState.Loading);
        int[] processes = [.. new[] { "ready", "loading", "deaf", "starting" }.SelectMany(_yard.Processes)];
        Assert.Contains(inside.Worker.Id, processes);
        await _yard.Loop.CloseAsync(TimeSpan.FromMilliseconds(500));
        Assert.All(await Task.WhenAll(waiting), static refusal => Assert.Equal(FleetRefusalKind.Stopping, refusal.Kind));
        await Assert.ThrowsAsync<FleetRefusedException>(() => load);
        Assert.All(processes, static process => Assert.False(FleetYard.Lives(process)));
        Assert.Empty(_yard.Sockets);
        Assert.Equal(FleetRefusalKind.Stopping, (await _yard.RefusedAsync("ready")).Kind);
        await _yard.Loop.CloseAsync(TimeSpan.Zero); // twice is once
    }

    [Fact]
    public async Task A_start_that_is_under_way_when_the_loop_ends_leaves_nothing()
    {
        for (int i = 0; i < 10; i++)
        {
            await using var yard = new FleetYard();
            yard.Serve(yard.Model("a", "good"));
            Task<FleetRefusal> waiting = yard.RefusedAsync("a");
            await yard.Loop.CloseAsync(TimeSpan.FromSeconds(5));
            Assert.Equal(FleetRefusalKind.Stopping, (await waiting).Kind);
            Assert.All(yard.Processes("a"), static process => Assert.False(FleetYard.Lives(process)));
            Assert.Empty(yard.Sockets);
        }
    }

    [Fact]
    public async Task A_polite_end_lets_those_inside_finish()
    {
        _yard.Serve(_yard.Model("a", "endless"));
        using WorkerLease inside = await _yard.EnterAsync("a");
        using var caller = new SocketCaller(inside.Worker.Address.Socket!);
        await caller.BeginAsync(); // the worker goes when this connection does
        Task closing = _yard.Loop.CloseAsync(TimeSpan.FromSeconds(20));
        Assert.True(await caller.ReadsAsync());
        Assert.False(closing.IsCompleted);
        caller.Dispose();
        await closing;
        Assert.False(FleetYard.Lives(inside.Worker.Id));
        Assert.DoesNotContain(_yard.Log, static line => line.Contains("signal 9", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Sockets_that_a_killed_process_left_are_gone_before_the_first_start()
    {
        Directory.CreateDirectory(_yard.Options.SocketFolder);
        foreach (int number in Enumerable.Range(1, 3))
            await File.WriteAllTextAsync(Path.Combine(_yard.Options.SocketFolder, $"{number}.sock"), "", FleetYard.Never);
        _yard.Serve(_yard.Model("a", "good"));
        Assert.Empty(_yard.Sockets);
        (await _yard.EnterAsync("a")).Dispose(); // its socket has the number of one that was left
        Assert.Single(_yard.Sockets);
    }

    [Fact]
    public async Task Load_times_survive_a_restart()
    {
        var time = new LeapingTime();
        await using var yard = new FleetYard(time);
        yard.Serve(yard.Model("a", "good,hold=load"));
        TimeSpan guessed = yard.Status("a").ColdStart;
        Task<WorkerLease> asked = yard.EnterAsync("a", patience: 1_000);
        await yard.UntilAsync("a", static status => status.State == ModelState.Loading);
        time.Leap(TimeSpan.FromSeconds(200)); // beside which it does not count how busy this machine is
        yard.LetGoOn("a");
        (await asked).Dispose();
        TimeSpan learned = yard.Status("a").ColdStart;
        Assert.NotEqual(guessed, learned);
        Assert.InRange(learned.TotalSeconds, 200, 240);
        LoadSeconds loads = yard.Loop.Totals.LoadSeconds["local/a"];
        Assert.Equal(1, loads.Count);
        Assert.InRange(loads.Sum, 200, 240);
        await yard.RestartAsync();
        yard.Serve(yard.Model("a", "good"));
        await yard.UntilAsync("a", status => status.ColdStart == learned);
        Assert.Empty(yard.Loop.Totals.LoadSeconds);
    }

    [Theory]
    [InlineData("not JSON at all", "are not believed")]
    [InlineData("""{"version":2,"loads":[]}""", "not of version 1")]
    [InlineData("""{"version":1,"loads":null}""", "not of version 1")]
    [InlineData("""{"version":1,"loads":[{"model":"local/a","bytes":-1,"seconds":1},{"model":"local/a","bytes":1,"seconds":0},null]}""", "3 loads of 3 that cannot be true")]
    public async Task A_history_that_cannot_be_true_is_refused_with_a_line_and_replaced_at_the_next_load(string text, string line)
    {
        await File.WriteAllTextAsync(_yard.Options.HistoryFile!, text, FleetYard.Never);
        _yard.Serve(_yard.Model("a", "good"));
        Assert.Contains(_yard.Log, logged => logged.StartsWith("Warning", StringComparison.Ordinal) && logged.Contains(line, StringComparison.Ordinal));
        (await _yard.EnterAsync("a")).Dispose();
        await _yard.RestartAsync();
        Assert.StartsWith("""{"version":1,"loads":[{"model":"local/a","bytes":""", await File.ReadAllTextAsync(_yard.Options.HistoryFile!, FleetYard.Never), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_history_that_cannot_be_written_is_logged_and_stops_nothing()
    {
        _yard.Options = _yard.Options with { HistoryFile = _yard["no folder/history.json"] };
        _yard.Serve(_yard.Model("a", "good"));
        (await _yard.EnterAsync("a")).Dispose();
        await ScriptedWorker.UntilAsync(() => _yard.Log.Any(static line => line.Contains("The load times cannot be written", StringComparison.Ordinal)), "it is logged");
        (await _yard.EnterAsync("a")).Dispose();
    }

    [Fact]
    public async Task Files_that_have_changed_are_other_terms_at_the_next_start()
    {
        string file = _yard["good,load=20"]; // the worker behaves by the last part of its source
        await File.WriteAllTextAsync(file, "weights", FleetYard.Never);
        ServedSpec model = _yard.Model("a", "good");
        _yard.Serve(model with { Spec = model.Spec with { Source = file } });
        Assert.Equal(7, _yard.Status("a").FileBytes);
        (await _yard.EnterAsync("a")).Dispose();
        Assert.Equal(1L << 20, _yard.Loop.Facts("local/a")!.Need.Total);
        await _yard.Loop.StopAsync("local/a", now: false, FleetYard.Never);
        await File.WriteAllTextAsync(file, "other weights", FleetYard.Never);
        (await _yard.EnterAsync("a")).Dispose();
        Assert.Equal(13, _yard.Status("a").FileBytes);
        Assert.Contains(_yard.Log, static line => line.Contains("its files have changed", StringComparison.Ordinal));
        Assert.Equal(0, _yard.Status("a").Crashes + _yard.Status("a").FailedLoads);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _yard.DisposeAsync();
}
