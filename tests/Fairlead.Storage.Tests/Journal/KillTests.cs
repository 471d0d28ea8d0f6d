using System.Diagnostics;
using Fairlead.Domain.Ids;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Storage.Journal;
using Fairlead.Storage.Ledger;
using Fairlead.Storage.Sqlite;
using Fairlead.Storage.Tests.Yard;

namespace Fairlead.Storage.Tests.Journal;

public sealed class KillTests(ITestOutputHelper output)
{
    private const string ChildFolder = "FAIRLEAD_TEST_KILLED_CHILD_FOLDER";
    private const int Kills = 20;

    [Fact]
    public async Task What_was_acknowledged_before_a_kill_is_settled_exactly_once_after_it()
    {
        using var folder = new TempFolder();
        var random = new Random(5);
        string acks = folder.In("acks");
        await File.WriteAllTextAsync(acks, "");
        for (int round = 0; round < Kills; round++)
        {
            long killAt = new FileInfo(acks).Length + random.Next(1, 60_000);
            using Process child = Start(folder.Path);
            // The child's progress is in the file; it is looked at, because a killed process sends no event about how far it is.
            while (new FileInfo(acks).Length < killAt)
            {
                Assert.False(child.HasExited, "the child ended by itself");
                await Task.Delay(5);
            }
            child.Kill(); // SIGKILL
            await child.WaitForExitAsync();
        }

        string[] lines = await File.ReadAllLinesAsync(acks);
        await using RequestJournal journal = JournalFiles.Open(folder.In("journal"), segmentBytes: 1 << 20);
        Assert.Empty(journal.Opening.Damages);
        foreach (RequestReserved reserved in journal.Dangling)
            await journal.AppendAsync(InterruptedRequest.Close(reserved, DateTimeOffset.UtcNow));
        using StoreDatabase database = StoreDatabase.Open(folder.In("store.db"));
        var store = new LedgerStore(database, journal);
        await using var shipper = new JournalShipper(journal, store, TimeProvider.System);
        await shipper.DrainAsync(CancellationToken.None);

        int interrupted = 0;
        HashSet<string> closed = [.. lines.Where(static line => line[0] == 'C').Select(static line => line[2..])];
        foreach (string line in lines.Where(static line => line.Length == 32)) // a kill may cut the last line
        {
            Assert.True(RequestId.TryParse(line.AsSpan(2), out RequestId id));
            RequestClosed? found = store.Find(id);
            Assert.NotNull(found);
            if (closed.Contains(line[2..]))
                Assert.Equal(EndReason.Ok, found.EndReason);
            else if (found.EndReason == EndReason.Interrupted)
                interrupted++;
        }
        VerifyResult verified = store.Verify();
        output.WriteLine($"{Kills} kills, {closed.Count} acknowledged closes, {interrupted} interrupted, {verified.Requests} requests in the store");
        Assert.Empty(verified.Faults);
    }

    /// <summary>Not a test of its own: the process that the test above kills.</summary>
    [Fact]
    public async Task The_child_appends_until_it_is_killed()
    {
        if (Environment.GetEnvironmentVariable(ChildFolder) is not { } folder)
            return;
        await using RequestJournal journal = JournalFiles.Open(Path.Combine(folder, "journal"), segmentBytes: 1 << 20);
        foreach (RequestReserved reserved in journal.Dangling)
            await journal.AppendAsync(InterruptedRequest.Close(reserved, DateTimeOffset.UtcNow));
        using StoreDatabase database = StoreDatabase.Open(Path.Combine(folder, "store.db"));
        await using var shipper = new JournalShipper(journal, new LedgerStore(database, journal), TimeProvider.System, linger: TimeSpan.FromMilliseconds(10));
        shipper.Start();
        await using var acks = new FileStream(Path.Combine(folder, "acks"), FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        var oneLine = new SemaphoreSlim(1);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (true)
            {
                RequestReserved reserved = Records.Reserve(at: DateTimeOffset.UtcNow);
                await journal.AppendAsync(reserved);
                await AckAsync('R', reserved.Id);
                await journal.AppendAsync(Records.Close(reserved));
                await AckAsync('C', reserved.Id);
            }
        })));

        async Task AckAsync(char kind, RequestId id)
        {
            await oneLine.WaitAsync();
            acks.Write(System.Text.Encoding.ASCII.GetBytes($"{kind} {id}\n"));
            oneLine.Release();
        }
    }

    private static Process Start(string folder)
    {
        var start = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(typeof(KillTests).Assembly.Location);
        start.ArgumentList.Add("--filter-method");
        start.ArgumentList.Add($"{typeof(KillTests).FullName}.{nameof(The_child_appends_until_it_is_killed)}");
        start.Environment[ChildFolder] = folder;
        Process child = Process.Start(start)!;
        child.BeginOutputReadLine();
        child.BeginErrorReadLine();
        return child;
    }
}
