using System.Collections.Concurrent;
using System.Diagnostics;
using Fairlead.Domain.Fleet;
using Fairlead.Fleet.Isolation;
using Fairlead.Fleet.Workers;
using Fairlead.Shared;

namespace Fairlead.Fleet.Tests.Workers;

/// <summary>The contract of one worker process, against real children that keep it or break it.</summary>
public sealed class WorkerProcessTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly ProcessYard _yard = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_worker_says_what_it_needs_and_loads_nothing_before_it_may()
    {
        WorkerProcess worker = _yard.Scripted("good,need=5000000,files=4000000,kind=embedding");
        WorkerFacts facts = await worker.Measured.WaitAsync(Patience, Cancelled);
        Assert.Equal(new WorkerFacts(new MemoryNeed(5_000_000, 0, 0), "embedding", 4096, 8, false, 4_000_000), facts);
        WorkerHealth? health = await worker.ProbeAsync(Patience, Cancelled);
        Assert.Equal("loading", health?.Status);
        Assert.False(worker.Ready.IsCompleted);
        worker.LetLoad(facts.Need.Total);
        await worker.Ready.WaitAsync(Patience, Cancelled);
        Assert.Equal(("ready", 4096L, 16L), ((await worker.ProbeAsync(Patience, Cancelled))!.Status, (await worker.ProbeAsync(Patience, Cancelled))!.ContextLength, (await worker.ProbeAsync(Patience, Cancelled))!.KvBlocksTotal));
    }

    [Fact]
    public async Task A_load_tells_how_far_it_has_come_and_never_goes_back()
    {
        WorkerProcess worker = _yard.Scripted("good,load=300");
        await worker.Measured.WaitAsync(Patience, Cancelled);
        var shares = new ConcurrentQueue<double>();
        worker.Progress = shares.Enqueue;
        worker.LetLoad(1 << 20);
        await worker.Ready.WaitAsync(Patience, Cancelled);
        Assert.True(shares.Count > 3, $"{shares.Count} shares");
        Assert.Equal(shares.Order(), shares);
        Assert.Equal(1, shares.Last());
    }

    [Theory]
    [InlineData("bad-needs", "what it needs cannot be understood")]
    [InlineData("fails", "the header is no JSON")]
    public async Task A_worker_that_never_says_what_it_needs_fails_with_its_last_line(string behaviour, string line)
    {
        WorkerProcess worker = _yard.Scripted(behaviour);
        WorkerFailedException told = await Assert.ThrowsAsync<WorkerFailedException>(() => worker.Measured.WaitAsync(Patience, Cancelled));
        Assert.Contains(line, told.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<WorkerFailedException>(() => worker.Ready);
        Assert.Equal(told.Message, worker.Epitaph());
    }

    [Fact]
    public async Task A_death_is_told_with_its_last_line_however_long_it_takes_to_read_those_before_it()
    {
        _yard.Logged = static line =>
        {
            long began = Stopwatch.GetTimestamp();
            while (line.Contains("reading the header", StringComparison.Ordinal) && Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(2))
                Thread.SpinWait(100); // as a machine looks that has no time for this thread
        };
        WorkerProcess worker = _yard.Scripted("fails");
        await worker.Exited.WaitAsync(Patience, Cancelled);
        Assert.EndsWith("its last line: model.safetensors at byte 8: the header is no JSON", worker.Epitaph(), StringComparison.Ordinal);
        Assert.EndsWith($"({worker.Epitaph()})", _yard.Lines.Lines[^1], StringComparison.Ordinal);
        Assert.Contains("the worker ended with code 1", _yard.Log.Last(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_death_in_the_middle_of_a_load_fails_the_load_with_the_last_line()
    {
        WorkerProcess worker = _yard.Scripted("dies-loading");
        await worker.Measured.WaitAsync(Patience, Cancelled);
        worker.LetLoad(1 << 20);
        WorkerFailedException told = await Assert.ThrowsAsync<WorkerFailedException>(() => worker.Ready.WaitAsync(Patience, Cancelled));
        Assert.Equal("the worker ended with code 1; its last line: the file ends at byte 4096, within the tensor blk.0.attn_q.weight", told.Message);
    }

    [Fact]
    public async Task A_worker_that_is_killed_while_it_waits_leaves_nothing_and_both_its_promises_fail()
    {
        WorkerProcess worker = _yard.Scripted("no-needs");
        await ScriptedWorker.UntilAsync(() => _yard.Sockets.Length == 1, "it listens");
        worker.Kill();
        await worker.Exited.WaitAsync(Patience, Cancelled);
        await Assert.ThrowsAsync<WorkerFailedException>(() => worker.Measured);
        Assert.Equal("the worker was ended by signal 9 without a word", worker.Epitaph());
        Assert.Empty(_yard.Sockets);
        Assert.Null(worker.ResidentBytes());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Neither_a_kill_nor_a_polite_end_leaves_a_grandchild_that_hears_no_signal(bool polite)
    {
        WorkerProcess worker = await ProcessYard.LoadedAsync(_yard.Start(ProcessYard.Product with { Arguments = ["worker"], Confined = false }, EngineSpec("grandchild")));
        await ScriptedWorker.UntilAsync(() => _yard.Notes.Any(static note => note.StartsWith("child ", StringComparison.Ordinal)), "a grandchild");
        int child = ProcessYard.NotedChild(_yard.Notes);
        Assert.True(ProcessYard.Lives(child));
        if (polite)
            await worker.StopAsync(Patience);
        else
            worker.Kill();
        await worker.Exited.WaitAsync(Patience, Cancelled);
        await ScriptedWorker.UntilAsync(() => !ProcessYard.Lives(child), "the grandchild ends");
        Assert.Empty(_yard.Sockets);
    }

    [Fact]
    public async Task A_worker_that_does_not_hear_is_killed_when_its_patience_is_over()
    {
        WorkerProcess worker = await ProcessYard.LoadedAsync(_yard.Scripted("deaf"));
        await worker.StopAsync(TimeSpan.FromMilliseconds(200));
        Assert.Equal("the worker was ended by signal 9 without a word", worker.Epitaph());
        Assert.False(ProcessYard.Lives(worker.Id));
        Assert.Empty(_yard.Sockets);
    }

    [Fact]
    public async Task A_worker_that_is_stopped_in_its_tracks_does_not_answer_in_time_and_can_be_killed()
    {
        WorkerProcess worker = await ProcessYard.LoadedAsync(_yard.Scripted("good"));
        Assert.NotNull(await worker.ProbeAsync(Patience, Cancelled));
        using (Process signal = Process.Start("kill", ["-STOP", $"{worker.Id}"]))
            await signal.WaitForExitAsync(Cancelled);
        Assert.Null(await worker.ProbeAsync(TimeSpan.FromMilliseconds(300), Cancelled));
        worker.Kill();
        await worker.Exited.WaitAsync(Patience, Cancelled);
        Assert.Null(await worker.ProbeAsync(Patience, Cancelled));
    }

    [Fact]
    public async Task A_worker_that_listens_and_answers_nothing_is_told_from_one_that_lives()
    {
        WorkerProcess worker = await ProcessYard.LoadedAsync(_yard.Scripted("mute"));
        Assert.Null(await worker.ProbeAsync(TimeSpan.FromMilliseconds(300), Cancelled));
        using var gone = new CancellationTokenSource();
        Task<WorkerHealth?> asked = worker.ProbeAsync(Patience, gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
    }

    [Fact]
    public async Task What_it_occupies_is_counted_with_what_it_takes()
    {
        WorkerProcess worker = _yard.Scripted("eats,take=200");
        await worker.Measured.WaitAsync(Patience, Cancelled);
        long before = worker.ResidentBytes()!.Value;
        worker.LetLoad(300L << 20);
        await worker.Ready.WaitAsync(Patience, Cancelled);
        Assert.InRange(worker.ResidentBytes()!.Value - before, 190L << 20, 400L << 20);
    }

    [Fact]
    public async Task What_was_set_aside_bounds_it_and_what_the_system_says_of_that_is_shown()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && ControlGroups.OfThisProcess.Groups is null, "rlimits bound workers on Linux without control groups");
        WorkerProcess worker = await ProcessYard.LoadedAsync(_yard.Scripted("good"), 100L << 20);
        string bytes = $"{(100L << 20) + DataLimit.Headroom}";
        Assert.Equal([bytes, bytes], ProcessYard.Limit(worker.Id, "Max data size"));
        Assert.Equal((SandboxLevel.Rlimit, (100L << 20) + DataLimit.Headroom, "612 MiB"), (worker.Sandbox.Level, worker.Sandbox.MemoryLimit, worker.Sandbox.LimitText));
        Assert.Contains("no-new-privileges", worker.Sandbox.Applied);
    }

    [Fact]
    public async Task The_log_outlives_the_worker_and_shows_where_each_began_and_ended()
    {
        for (int i = 0; i < 2; i++)
            await Assert.ThrowsAsync<WorkerFailedException>(() => _yard.Scripted("fails").Measured.WaitAsync(Patience, Cancelled));
        string[] said = [.. _yard.Lines.Lines.Select(static line => line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..])];
        Assert.Equal(8, said.Length);
        Assert.StartsWith("(worker ", said[0], StringComparison.Ordinal);
        Assert.Equal(["reading the header", "model.safetensors at byte 8: the header is no JSON"], said[1..3]);
        Assert.StartsWith("(the worker ended with code 1", said[3], StringComparison.Ordinal);
        Assert.Equal("reading the header", said[5]);
    }

    public ValueTask DisposeAsync() => _yard.DisposeAsync();

    /// <summary>The scripted worker as another's engine: below our own stand-in it leads a process group of its own.</summary>
    private WorkerSpec EngineSpec(string behaviour) => new()
    {
        Model = "local/scripted",
        Source = $"/{behaviour}@{_yard.Journal}",
        Engine = new EngineCommand
        {
            Engine = "scripted",
            Line = [[ScriptedWorker.Command.Program], [ScriptedWorker.Command.Arguments[0]], ["--model", "{source}"], ["--socket", "{socket}"], ["--engine", "yes"]],
        },
    };
}
