using System.Diagnostics;
using System.Net.Sockets;
using Fairlead.Fleet.Workers;
using Fairlead.Shared;

namespace Fairlead.Fleet.Tests.Workers;

/// <summary>One process per model, from the first request to its end, against real children.</summary>
public sealed class LocalModelTests : IAsyncLifetime
{
    private static readonly CancellationToken Never = CancellationToken.None;
    private readonly WorkerYard _yard = new();

    [Fact]
    public async Task Nothing_is_started_before_somebody_asks()
    {
        await using LocalModel model = _yard.Model("good");
        Assert.Empty(_yard.Notes);
        Assert.Empty(_yard.Log);
    }

    [Fact]
    public async Task A_hundred_who_ask_at_once_wait_for_one_load()
    {
        LocalModel model = _yard.Model("good");
        WorkerProcess[] workers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Task.Run(() => model.ReadyAsync(Never))));
        Assert.Single(workers.Distinct());
        Assert.Equal(["start"], _yard.Notes);
    }

    [Fact]
    public async Task A_worker_that_is_ready_can_be_connected_to()
    {
        WorkerProcess worker = await _yard.Model("good").ReadyAsync(Never);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(worker.Address.Socket!), TestContext.Current.CancellationToken);
        Assert.True(socket.Connected);
    }

    [Fact]
    public async Task A_load_that_fails_is_told_with_the_last_line_of_the_log_and_the_next_request_tries_again()
    {
        LocalModel model = _yard.Model("fails");
        WorkerFailedException[] told = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => Assert.ThrowsAsync<WorkerFailedException>(() => model.ReadyAsync(Never))));
        Assert.All(told, static e => Assert.Equal("the worker ended with code 1; its last line: model.safetensors at byte 8: the header is no JSON", e.Message));
        int starts = _yard.Notes.Length;
        await Assert.ThrowsAsync<WorkerFailedException>(() => model.ReadyAsync(Never));
        Assert.Equal(starts + 1, _yard.Notes.Length);
    }

    [Fact]
    public async Task A_load_over_its_limit_is_ended_and_leaves_no_process()
    {
        LocalModel model = _yard.Model("never-ready", TimeSpan.FromMilliseconds(300));
        WorkerFailedException told = await Assert.ThrowsAsync<WorkerFailedException>(() => model.ReadyAsync(Never));
        Assert.Contains("not loaded within", told.Message, StringComparison.Ordinal);
        Assert.Empty(_yard.Sockets);
    }

    [Fact]
    public async Task A_caller_who_gives_up_does_not_stop_the_load()
    {
        LocalModel model = _yard.Model("good");
        using var gone = new CancellationTokenSource();
        Task<WorkerProcess> first = model.ReadyAsync(gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await model.ReadyAsync(Never);
        Assert.Equal(["start"], _yard.Notes);
    }

    [Fact]
    public async Task A_worker_that_was_killed_is_replaced_and_its_socket_is_gone()
    {
        LocalModel model = _yard.Model("good");
        WorkerProcess first = await model.ReadyAsync(Never);
        Process.GetProcessById(first.Id).Kill();
        await first.Exited;
        Assert.Equal("the worker was ended by signal 9 without a word", first.Epitaph());
        WorkerProcess second = await model.ReadyAsync(Never);
        Assert.NotEqual(first.Id, second.Id);
        Assert.Equal([second.Address.Socket!], _yard.Sockets);
    }

    [Fact]
    public async Task The_lines_of_a_worker_stand_in_our_log_with_its_name_and_without_control_characters()
    {
        await _yard.Model("talks").ReadyAsync(Never);
        await ScriptedWorker.UntilAsync(() => _yard.Log.Contains("local/scripted: another one with  [31mcolour"), string.Join('\n', _yard.Log));
        Assert.Contains("local/scripted: a line of the log", _yard.Log);
    }

    [Theory]
    [InlineData("good")]
    [InlineData("deaf")]
    public async Task A_model_that_is_retired_leaves_no_process_and_no_socket(string behaviour)
    {
        LocalModel model = _yard.Model(behaviour);
        WorkerProcess worker = await model.ReadyAsync(Never);
        await model.RetireAsync(TimeSpan.FromMilliseconds(500));
        Assert.True(worker.Exited.IsCompleted);
        Assert.False(Directory.Exists($"/proc/{worker.Id}"));
        Assert.Empty(_yard.Sockets);
        await Assert.ThrowsAsync<WorkerFailedException>(() => model.ReadyAsync(Never));
    }

    [Fact]
    public async Task A_load_is_broken_off_when_its_model_is_retired()
    {
        LocalModel model = _yard.Model("never-ready");
        Task<WorkerProcess> waiting = model.ReadyAsync(Never);
        await ScriptedWorker.UntilAsync(() => _yard.Notes.Length == 1, "a start");
        await model.RetireAsync(TimeSpan.FromSeconds(20));
        await Assert.ThrowsAsync<WorkerFailedException>(() => waiting);
    }

    [Fact]
    public async Task A_program_that_is_not_there_is_named()
    {
        LocalModel model = _yard.Model("good", command: new WorkerCommand("/no/such/program", []));
        WorkerFailedException told = await Assert.ThrowsAsync<WorkerFailedException>(() => model.ReadyAsync(Never));
        Assert.Contains("/no/such/program", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_of_our_environment_but_what_a_program_needs_reaches_a_worker()
    {
        Environment.SetEnvironmentVariable("FAIRLEAD_TEST_SECRET", "s3cret");
        await _yard.Model("environment").ReadyAsync(Never);
        string environment = _yard.Notes.Single(static line => line.StartsWith('{'));
        Assert.DoesNotContain("s3cret", environment, StringComparison.Ordinal);
        Assert.Contains("\"PATH\"", environment, StringComparison.Ordinal);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _yard.DisposeAsync();
}
