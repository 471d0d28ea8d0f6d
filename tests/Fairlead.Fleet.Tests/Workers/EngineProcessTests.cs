using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Fairlead.Fleet.Isolation;
using Fairlead.Fleet.Workers;
using Fairlead.Shared;

namespace Fairlead.Fleet.Tests.Workers;

/// <summary>Another's engine behind the contract of a worker: real programs that know nothing of us, one of them llama.cpp's own server where it is at hand.</summary>
public sealed class EngineProcessTests : IAsyncDisposable
{
    private const int SIGPIPE = 13;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly ProcessYard _yard = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("--port", "{port}")]
    [InlineData("--socket", "{socket}")]
    public async Task An_engine_is_not_begun_before_it_may_load_and_answers_where_it_was_told(string option, string place)
    {
        WorkerProcess worker = Engine("good,load=200", [option, place]);
        WorkerFacts facts = await worker.Measured.WaitAsync(Patience, Cancelled);
        Assert.Equal((EngineCommand.Allowance, "unknown"), (facts.Need.Total, facts.Kind));
        Assert.Empty(_yard.Notes);
        worker.LetLoad(facts.Need.Total);
        await worker.Ready.WaitAsync(Patience, Cancelled);
        Assert.Equal(["start"], _yard.Notes);
        Assert.Equal("ready", (await worker.ProbeAsync(Patience, Cancelled))?.Status);
        Assert.Equal(place == "{socket}", worker.Address.Socket is not null);
        Assert.InRange(worker.ResidentBytes()!.Value, 10L << 20, 500L << 20);
        await worker.StopAsync(Patience);
        Assert.False(ProcessYard.Lives(worker.Id));
        Assert.Empty(_yard.Sockets);
    }

    [Fact]
    public async Task An_engine_has_what_its_stand_in_did_and_nothing_that_was_meant_for_that_alone()
    {
        WorkerProcess worker = await ProcessYard.LoadedAsync(Engine("environment", ["--port", "{port}"], memory: 300L << 20));
        Assert.Equal("1", ProcessYard.Status(worker.Id, "NoNewPrivs"));
        Assert.Equal("0077", ProcessYard.Status(worker.Id, "Umask"));
        Assert.Equal("0000000000000000", ProcessYard.Status(worker.Id, "SigBlk"));
        Assert.Equal(["0", "0"], ProcessYard.Limit(worker.Id, "Max core file size"));
        Assert.Equal(["4096", "4096"], ProcessYard.Limit(worker.Id, "Max open files"));
        Assert.Equal(worker.Id, ProcessTree.GroupOf(worker.Id));
        if (ControlGroups.OfThisProcess.Groups is null)
            Assert.Equal($"{(300L << 20) + DataLimit.Headroom}", ProcessYard.Limit(worker.Id, "Max data size")[0]);
        Assert.Superset(new HashSet<string> { "no-new-privileges", "no-core", "own-group" }, worker.Sandbox.Applied.ToHashSet());
        string environment = _yard.Notes.Single(static note => note.StartsWith('{'));
        Assert.DoesNotContain(ChildConduct.ParentVariable, environment, StringComparison.Ordinal);
        Assert.Contains("\"PATH\"", environment, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_file_of_the_stand_ins_runtime_is_open_in_the_engine()
    {
        WorkerProcess worker = Engine("", ["{port}"], program: "/bin/sleep", arguments: ["{port}"]);
        worker.LetLoad(1 << 30);
        await ScriptedWorker.UntilAsync(() => File.ReadAllText($"/proc/{worker.Id}/comm").Trim() == "sleep", "the stand-in becomes the engine");
        // The engine's own loader opens and closes its libraries first; what the stand-in left open would stay.
        await ScriptedWorker.UntilAsync(() => OpenFiles(worker.Id).SequenceEqual(["0", "1", "2"]), "nothing but the three streams is open");
        Assert.False(Ignores(worker.Id, SIGPIPE), "the runtime ignores it, the engine must not");
        Assert.True(Ignores(Environment.ProcessId, SIGPIPE)); // what else is ignored here depends on who started the tests
    }

    [Fact]
    public async Task An_engine_that_is_not_let_load_ends_politely_without_having_been_begun()
    {
        WorkerProcess worker = Engine("good", ["--port", "{port}"]);
        await worker.StopAsync(Patience);
        Assert.Empty(_yard.Notes);
    }

    [Fact]
    public async Task An_engine_without_a_stated_need_is_not_bounded_by_a_guess()
    {
        WorkerProcess worker = await ProcessYard.LoadedAsync(Engine("good", ["--port", "{port}"]));
        Assert.SkipUnless(ControlGroups.OfThisProcess.Groups is null, "rlimits bound workers where there are no control groups");
        Assert.Equal("unlimited", ProcessYard.Limit(worker.Id, "Max data size")[0]);
        Assert.Equal(("none", "none"), (worker.Sandbox.Word, worker.Sandbox.LimitText));
    }

    [Fact]
    public async Task An_engine_that_ignores_the_polite_signal_is_killed()
    {
        WorkerProcess worker = await ProcessYard.LoadedAsync(Engine("deaf", ["--port", "{port}"]));
        await worker.StopAsync(TimeSpan.FromMilliseconds(300));
        Assert.Contains("signal 9", worker.Epitaph(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_engine_that_dies_as_it_loads_is_told_with_its_last_line()
    {
        WorkerProcess worker = Engine("dies-loading", ["--port", "{port}"]);
        worker.LetLoad(1 << 30);
        WorkerFailedException told = await Assert.ThrowsAsync<WorkerFailedException>(() => worker.Ready.WaitAsync(Patience, Cancelled));
        Assert.Contains("the file ends at byte 4096", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_engine_that_is_not_installed_is_named()
    {
        WorkerFailedException told = Assert.Throws<WorkerFailedException>(() => Engine("", ["{port}"], program: "no-such-engine"));
        Assert.Contains("there is no program no-such-engine in the folders of PATH", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_cannot_be_run_fails_with_the_systems_reason()
    {
        string script = Path.Combine(_yard.Folder, "broken");
        await File.WriteAllTextAsync(script, "#!/no/such/interpreter\n", Cancelled);
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        WorkerProcess worker = Engine("", ["{port}"], program: script);
        worker.LetLoad(1 << 30);
        WorkerFailedException told = await Assert.ThrowsAsync<WorkerFailedException>(() => worker.Ready.WaitAsync(Patience, Cancelled));
        Assert.Contains("broken: No such file or directory", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_a_stranger_answers_is_not_taken_for_the_engine()
    {
        WorkerProcess worker = Engine("", ["{port}"], program: "/bin/sleep", arguments: ["1{port}"]);
        worker.LetLoad(1 << 30); // gives the port away, and sleep does not take it
        using var stranger = new TcpListener(IPAddress.Loopback, worker.Address.BaseUrl.Port);
        stranger.Start();
        Task answering = AnswerAsync(stranger);
        WorkerFailedException told = await Assert.ThrowsAsync<WorkerFailedException>(() => worker.Ready.WaitAsync(Patience, Cancelled));
        Assert.Contains("is answered by another program", told.Message, StringComparison.Ordinal);
        stranger.Stop();
        await answering;
    }

    [Fact]
    public void A_reserved_port_is_nobody_elses_until_it_is_given_away()
    {
        LoopbackPort port = LoopbackPort.Reserve();
        using (var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
            Assert.Throws<SocketException>(() => other.Bind(new IPEndPoint(IPAddress.Loopback, port.Number)));
        port.Dispose();
        Assert.False(LoopbackPort.IsHeldBy(port.Number, [Environment.ProcessId])); // nobody listens
        using var listener = new TcpListener(IPAddress.Loopback, port.Number);
        listener.Start();
        Assert.True(LoopbackPort.IsHeldBy(port.Number, [Environment.ProcessId]));
        Assert.False(LoopbackPort.IsHeldBy(port.Number, [1]));
    }

    [Theory]
    [InlineData("pulled", null)]
    [InlineData("missing", "model 'missing' not found")]
    public async Task An_engine_that_has_to_be_told_to_load_is_ready_when_it_has_and_fails_with_its_words(string source, string? why)
    {
        EngineCommand ollama = EngineRecipes.For("ollama", [], null)!;
        EngineCommand engine = ollama with { Line = [[ScriptedWorker.Command.Program], [Path.Combine(Checkout.Root, "tests", "Shared", "scripted-ollama.mjs")]] };
        WorkerProcess worker = _yard.Start(ProcessYard.Product with { Confined = false }, new WorkerSpec { Model = "local/o", Source = source, Engine = engine });
        worker.LetLoad(1 << 30);
        if (why is null)
            await worker.Ready.WaitAsync(Patience, Cancelled);
        else
            Assert.Contains(why, (await Assert.ThrowsAsync<WorkerFailedException>(() => worker.Ready.WaitAsync(Patience, Cancelled))).Message, StringComparison.Ordinal);
        Assert.Equal(source, worker.Address.Model);
    }

    /// <summary>W-07, in small: the figure of a thousand cycles is the soak's.</summary>
    [Fact]
    public async Task Thirty_lives_of_an_engine_with_a_child_that_hears_nothing_leave_no_process_and_no_socket()
    {
        for (int i = 0; i < 30; i++)
            await LiveAsync();
        Assert.Empty(_yard.Sockets);

        async Task LiveAsync()
        {
            File.Delete(_yard.Journal);
            WorkerProcess worker = await ProcessYard.LoadedAsync(Engine("grandchild", ["--socket", "{socket}"]));
            int child = ProcessYard.NotedChild(_yard.Notes);
            await worker.StopAsync(Patience);
            Assert.False(ProcessYard.Lives(worker.Id));
            Assert.False(ProcessYard.Lives(child), "its end was told before its child was gone");
        }
    }

    [Fact]
    public async Task Llama_cpps_own_server_is_a_worker_like_any_other()
    {
        string server = Path.Combine(Checkout.Root, "tests", "llama", "server", "llama-server");
        if (!File.Exists(server))
        {
            Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") == "true", "llama-server is not here: tests/llama/install-server.sh");
            Assert.Fail("llama-server is missing, and CI=true");
        }
        EngineCommand recipe = EngineRecipes.For("llama-server", [], 600L << 20)!;
        var spec = new WorkerSpec { Model = "local/none", Source = "/no/such/model.gguf", Context = 256, Slots = 2, Threads = 1, Engine = recipe with { Line = recipe.Line.SetItem(0, [server]) } };
        WorkerProcess worker = _yard.Start(ProcessYard.Product with { Confined = false }, spec);
        worker.LetLoad(600L << 20);
        WorkerFailedException told = await Assert.ThrowsAsync<WorkerFailedException>(() => worker.Ready.WaitAsync(Patience, Cancelled));
        Assert.Contains("ended with code 1", told.Message, StringComparison.Ordinal);
        Assert.Contains(_yard.Lines.Lines, static line => line.Contains("/no/such/model.gguf", StringComparison.Ordinal));
        Assert.DoesNotContain(_yard.Lines.Lines, static line => line.Contains("error: invalid argument", StringComparison.Ordinal)); // it knows every option of the recipe
    }

    public ValueTask DisposeAsync() => _yard.DisposeAsync();

    private WorkerProcess Engine(string behaviour, string[] more, string? program = null, string[]? arguments = null, long? memory = null)
    {
        ImmutableArray<string> command = program is null
            ? [ScriptedWorker.Command.Program, .. ScriptedWorker.Command.Arguments, "--engine", "yes", "--model", "{source}", .. more]
            : [program, .. arguments ?? more];
        return _yard.Start(
            ProcessYard.Product with { Confined = false },
            new WorkerSpec { Model = "local/scripted", Source = $"/{behaviour}@{_yard.Journal}", Engine = EngineRecipes.For("scripted", command, memory) });
    }

    private static bool Ignores(int process, int signal) => ((ulong.Parse(ProcessYard.Status(process, "SigIgn"), NumberStyles.HexNumber, CultureInfo.InvariantCulture) >> (signal - 1)) & 1) == 1;

    private static IEnumerable<string> OpenFiles(int process) => Directory.GetFiles($"/proc/{process}/fd").Select(static file => Path.GetFileName(file)).Order();

    // Not HttpListener, whose constructor fails where somebody is knocking already: the worker asks this port as soon as it was given away.
    private static async Task AnswerAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                using Socket caller = await listener.AcceptSocketAsync();
                await caller.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray());
                while (await caller.ReceiveAsync(new byte[1024]) > 0)
                {
                    // Read to its end: what is left unread would break the answer off.
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // stopped
        }
    }
}
