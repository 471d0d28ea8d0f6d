using System.Globalization;
using Fairlead.Fleet.Isolation;
using Fairlead.Fleet.Tests.Workers;
using Fairlead.Fleet.Workers;
using Fairlead.Shared;

namespace Fairlead.Fleet.Tests.Isolation;

/// <summary>Security P-01, read back from the system for a worker of the product itself that holds a real model.</summary>
public sealed class OwnWorkerTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly ProcessYard _yard = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_worker_is_bounded_in_all_that_the_table_says_and_shows_nothing_else()
    {
        WorkerProcess worker = _yard.Real(ProcessYard.Guide);
        WorkerFacts facts = await worker.Measured.WaitAsync(Patience, Cancelled);
        worker.LetLoad(facts.Need.Total);
        await worker.Ready.WaitAsync(Patience, Cancelled);
        // every thread, and not the one that asked alone
        string[][] threads = [.. ThreadsOf(worker.Id)];
        Assert.NotEmpty(threads);
        Assert.All(threads, static status => Assert.Contains("NoNewPrivs:\t1", status));
        Assert.Equal("0077", ProcessYard.Status(worker.Id, "Umask"));
        Assert.Equal(["0", "0"], ProcessYard.Limit(worker.Id, "Max core file size"));
        Assert.Equal(["4096", "4096"], ProcessYard.Limit(worker.Id, "Max open files"));
        Assert.Equal(worker.Id, ProcessTree.GroupOf(worker.Id));
        if (ControlGroups.OfThisProcess.Groups is null)
        {
            Assert.Equal($"{facts.Need.Total + DataLimit.Headroom}", ProcessYard.Limit(worker.Id, "Max data size")[0]);
            Assert.Equal(SandboxLevel.Rlimit, worker.Sandbox.Level);
        }
        List<string> applied = ["no-new-privileges", "no-core", "own-group"];
        if (Landlock.Version() > 0)
            applied.Add("landlock");
        Assert.Equal(applied, worker.Sandbox.Applied);
        Assert.Contains(_yard.Lines.Lines, line => line.EndsWith($" (it is ready; bounds: {worker.Sandbox})", StringComparison.Ordinal));
        Assert.Equal("ready", (await worker.ProbeAsync(Patience, Cancelled))?.Status);
    }

    [Fact]
    public async Task What_a_worker_says_it_needs_is_in_the_order_of_what_it_takes()
    {
        WorkerProcess worker = _yard.Real(ProcessYard.Guide);
        WorkerFacts facts = await worker.Measured.WaitAsync(Patience, Cancelled);
        worker.LetLoad(facts.Need.Total);
        await worker.Ready.WaitAsync(Patience, Cancelled);
        Assert.InRange(worker.ResidentBytes()!.Value, facts.Need.Total / 4, facts.Need.Total * 2);
    }

    [Fact]
    public async Task A_load_that_goes_over_its_limit_ends_with_a_line_that_says_so_and_does_not_hang()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && ControlGroups.OfThisProcess.Groups is null, "rlimits bound workers on Linux without control groups");
        // Keys and values for 64 answers of 2,048 tokens: more than a gibibyte of private memory, and nothing was set aside.
        string model = Path.Combine(_yard.Folder, "large");
        RandomCheckpoint.Write(ProcessYard.Guide, model, 200 << 20);
        WorkerProcess worker = _yard.Real(model, context: 2048, slots: 64);
        WorkerFacts facts = await worker.Measured.WaitAsync(Patience, Cancelled);
        Assert.InRange(facts.Need.Cache, DataLimit.Headroom * 2, 20L << 30);
        worker.LetLoad(1);
        await Assert.ThrowsAsync<WorkerFailedException>(() => worker.Ready.WaitAsync(Patience, Cancelled));
        string epitaph = worker.Epitaph();
        Assert.Contains("memory", epitaph, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("it may take 512 MiB of memory", epitaph, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_writes_nothing_and_leaves_nothing()
    {
        WorkerProcess worker = await ProcessYard.LoadedAsync(_yard.Real(ProcessYard.Guide));
        Assert.Single(Directory.GetFileSystemEntries(_yard.Folder));
        await worker.StopAsync(Patience);
        Assert.Equal("the worker ended with code 0", worker.Epitaph()[..28]);
        Assert.Empty(Directory.GetFileSystemEntries(_yard.Folder));
    }

    [Fact]
    public async Task The_stack_of_a_worker_counts_so_many_bytes_that_the_headroom_holds()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/proc is Linux's");
        WorkerProcess worker = await ProcessYard.LoadedAsync(_yard.Real(ProcessYard.Guide));
        long counted = long.Parse(ProcessYard.Status(worker.Id, "VmData").Split(' ')[0], CultureInfo.InvariantCulture) * 1024;
        TestContext.Current.TestOutputHelper?.WriteLine($"VmData {counted >> 20} MiB, {ProcessYard.Status(worker.Id, "Threads")} threads");
        Assert.InRange(counted, 1, DataLimit.Headroom * 3 / 4);
    }

    public ValueTask DisposeAsync() => _yard.DisposeAsync();

    /// <summary>What the system says of each of its threads; one that ends while they are read is left out.</summary>
    private static IEnumerable<string[]> ThreadsOf(int process)
    {
        foreach (string thread in Directory.GetDirectories($"/proc/{process}/task"))
        {
            string[] status;
            try
            {
                status = File.ReadAllLines(Path.Combine(thread, "status"));
            }
            catch (IOException)
            {
                continue;
            }
            yield return status;
        }
    }
}
