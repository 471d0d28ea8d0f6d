using System.Diagnostics;
using System.Globalization;
using Fairlead.Fleet.Isolation;
using Fairlead.Fleet.Tests.Workers;
using Fairlead.Shared;

namespace Fairlead.Fleet.Tests.Isolation;

/// <summary>Reliability W-09: a process that stands for the gateway is killed with -9, and all that it had started ends, though nobody asks it to.</summary>
public sealed class ParentDeathTests : IDisposable
{
    private readonly TempFolder _folder = new();

    /// <summary>Starts the product as a gateway does, says <c>load</c> when it may, and tells the child's id; never ends.</summary>
    private const string Gateway = """
        const { spawn } = require('child_process');
        const child = spawn(process.argv[1], process.argv.slice(2), { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, FAIRLEAD_PARENT: String(process.pid) } });
        console.log(`child ${child.pid}`);
        child.stdin.write('load\n');
        child.stdout.on('data', data => process.stdout.write(data));
        setInterval(() => {}, 1000);
        """;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_worker_of_ours_ends_with_its_gateway_even_where_it_was_stopped_and_removes_its_socket(bool stopped)
    {
        Directory.CreateDirectory(_folder["w"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string socket = Path.Combine(_folder["w"], "1.sock");
        using Process gateway = Start(["worker", "--model", ProcessYard.Guide, "--socket", socket, "--name", "local/x"]);
        int worker = await ChildAsync(gateway);
        await UntilSaidAsync(gateway, "ready");
        if (stopped)
            Libc.Kill(worker, 19);
        await DiesWithAsync(gateway, worker);
        Assert.Empty(Directory.GetFiles(_folder["w"]));
    }

    [Fact]
    public async Task An_engine_that_cares_for_neither_its_pipe_nor_a_signal_ends_with_its_gateway()
    {
        using Process gateway = Start(
            ["worker", "exec", "--", ScriptedWorker.Command.Program, ScriptedWorker.Command.Arguments[0], "--engine", "yes", "--socket", _folder["1.sock"], "--model", $"deaf@{_folder["journal"]}"]);
        int engine = await ChildAsync(gateway);
        await ScriptedWorker.UntilAsync(() => File.Exists(_folder["1.sock"]), "the engine listens");
        await DiesWithAsync(gateway, engine);
    }

    [Fact]
    public async Task A_stand_in_that_waits_to_be_let_load_ends_with_its_gateway_too()
    {
        using Process gateway = Start(["worker", "exec", "--", "/bin/sleep", "60"]);
        int engine = await ChildAsync(gateway);
        await DiesWithAsync(gateway, engine);
    }

    [Fact]
    public async Task A_child_whose_gateway_is_dead_before_it_looks_does_not_begin()
    {
        var start = new ProcessStartInfo(Checkout.Binary, ["worker", "exec", "--", "/bin/sh", "-c", $"touch {_folder["begun"]}"]) { UseShellExecute = false, RedirectStandardInput = true };
        start.Environment[ChildConduct.ParentVariable] = "1"; // not who started it
        using Process child = Process.Start(start)!;
        try
        {
            await child.StandardInput.WriteAsync("load\n");
        }
        catch (IOException)
        {
            // it has looked already, and is gone
        }
        await child.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, child.ExitCode);
        Assert.False(File.Exists(_folder["begun"]));
    }

    [Fact]
    public async Task A_person_who_starts_a_worker_has_an_ordinary_process()
    {
        var start = new ProcessStartInfo(Checkout.Binary, ["worker", "exec", "--", "/bin/sh", "-c", "umask; ulimit -c -H; cut -d' ' -f5 /proc/self/stat"]) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        using Process child = Process.Start(start)!;
        await child.StandardInput.WriteAsync("load\n");
        string[] said = (await child.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)).Split('\n');
        Assert.NotEqual("0077", said[0]);
        Assert.Equal(ProcessTree.GroupOf(Environment.ProcessId)!.Value.ToString(CultureInfo.InvariantCulture), said[2]);
    }

    public void Dispose() => _folder.Dispose();

    private static Process Start(string[] line)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the parent-death signal is Linux's");
        return Process.Start(new ProcessStartInfo(ScriptedWorker.Command.Program, ["-e", Gateway, "--", Checkout.Binary, .. line]) { UseShellExecute = false, RedirectStandardOutput = true })!;
    }

    private static async Task<int> ChildAsync(Process gateway) => int.Parse((await UntilSaidAsync(gateway, "child"))[6..], CultureInfo.InvariantCulture);

    private static async Task<string> UntilSaidAsync(Process gateway, string what)
    {
        while (await gateway.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (line.StartsWith(what, StringComparison.Ordinal))
                return line;
        }
        throw new InvalidOperationException($"It ended before it said {what}.");
    }

    private static async Task DiesWithAsync(Process gateway, int child)
    {
        Assert.True(ProcessYard.Lives(child));
        gateway.Kill();
        await ScriptedWorker.UntilAsync(() => !ProcessYard.Lives(child), "the child ends");
    }
}
