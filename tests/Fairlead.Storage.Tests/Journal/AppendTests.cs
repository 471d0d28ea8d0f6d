using System.Collections.Concurrent;
using System.Diagnostics;
using Fairlead.Domain.Ids;
using Fairlead.Domain.Ledger;
using Fairlead.Storage.Journal;
using Fairlead.Storage.Tests.Yard;

namespace Fairlead.Storage.Tests.Journal;

public sealed class AppendTests(ITestOutputHelper output) : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_record_reads_back_whole()
    {
        RequestReserved reserved = Records.Reserve() with { Idempotency = new IdempotencyMark(1, UInt128.MaxValue) };
        RequestClosed closed = Records.Close(reserved);
        await using RequestJournal journal = JournalFiles.Open(_folder.Path);
        await journal.AppendAsync(reserved);
        await journal.AppendAsync(closed);

        List<JournalRecord> read = JournalFiles.ReadAll(journal);

        Assert.Equal(reserved, read[0].Reserved);
        Assert.Equal(Records.Print(closed), Records.Print(read[1].Closed!));
        Assert.True(journal.TryFind(closed.Id, out RequestClosed found));
        Assert.Equal(Records.Print(closed), Records.Print(found));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_64_writers_append_is_found_once(bool strict)
    {
        int each = strict ? 100 : 1000;
        var written = new ConcurrentBag<RequestId>();
        await using (RequestJournal journal = JournalFiles.Open(_folder.Path, strict: strict, segmentBytes: 1 << 20))
        {
            await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Task.Run(async () =>
            {
                for (int i = 0; i < each; i++)
                {
                    RequestReserved reserved = Records.Reserve();
                    await journal.AppendAsync(reserved);
                    written.Add(reserved.Id);
                }
            })));
        }

        await using RequestJournal reopened = JournalFiles.Open(_folder.Path);
        List<RequestId> ids = JournalFiles.Ids(reopened);
        Assert.Equal(64 * each, ids.Count);
        Assert.Equal(written.Order(), ids.Order());
        Assert.Equal(ids.Count, reopened.Opening.Records);
        Assert.Equal(ids.Count, reopened.Dangling.Count);
    }

    [Fact]
    public async Task Appends_that_meet_share_a_write()
    {
        var disk = new DiskFaults();
        await using RequestJournal journal = JournalFiles.Open(_folder.Path, faults: disk, strict: true);
        int before = disk.Writes, came = 0;
        disk.Writing = () => SpinWait.SpinUntil(() => Volatile.Read(ref came) == 64, TimeSpan.FromMinutes(1)); // a disk so slow that they do meet
        await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Task.Run(async () =>
        {
            Interlocked.Increment(ref came);
            for (int i = 0; i < 20; i++)
                await journal.AppendAsync(Records.Reserve());
        })));
        output.WriteLine($"1280 records in {disk.Writes - before} writes and {disk.Syncs} syncs");
        Assert.True(disk.Writes - before < 1280, "every record had a write of its own");
    }

    [Fact]
    public async Task An_append_that_meets_nobody_completes_at_once_and_allocates_nothing()
    {
        const int Count = 20_000;
        RequestReserved[] reserved = [.. Enumerable.Range(0, Count).Select(static _ => Records.Reserve())];
        RequestClosed[] closed = [.. reserved.Select(static one => Records.Close(one))];
        await using RequestJournal journal = JournalFiles.Open(_folder.Path);
        long bytes = 0;
        bool hopped = false;
        // Off the pool's threads: the grouped fsync runs there.
        var thread = new Thread(() =>
        {
            // The index grows by doubling; fill it to half, so that what is measured is an append and not a doubling.
            int done = 0;
            Append(12_000);
            bytes = Shared.Allocation.Of(() => Append(800));

            void Append(int count)
            {
                for (int end = done + count; done < end; done++)
                    AppendOne(journal, reserved[done], closed[done], ref hopped);
            }
        });
        thread.Start();
        thread.Join();
        output.WriteLine($"{bytes} bytes for 1600 appends");
        Assert.False(hopped);
        Assert.Equal(0, bytes);
    }

    private static void AppendOne(RequestJournal journal, RequestReserved reserved, RequestClosed closed, ref bool hopped)
    {
        ValueTask first = journal.AppendAsync(reserved);
        hopped |= !first.IsCompletedSuccessfully;
        ValueTask second = journal.AppendAsync(closed);
        hopped |= !second.IsCompletedSuccessfully;
    }

    [Fact]
    public async Task Figures()
    {
        const int Count = 50_000;
        RequestReserved[] reserved = [.. Enumerable.Range(0, Count).Select(static _ => Records.Reserve())];
        RequestClosed[] closed = [.. reserved.Select(static one => Records.Close(one))];
        await using (RequestJournal journal = JournalFiles.Open(_folder.In("one")))
        {
            for (int i = 0; i < 5000; i++)
                await journal.AppendAsync(reserved[i]);
            var watch = Stopwatch.StartNew();
            for (int i = 0; i < Count; i++)
                await journal.AppendAsync(closed[i]);
            output.WriteLine($"uncontended close: {watch.Elapsed.TotalMicroseconds / Count:F2} µs");
            watch.Restart();
            for (int i = 5000; i < Count; i++)
                await journal.AppendAsync(reserved[i]);
            output.WriteLine($"uncontended reservation: {watch.Elapsed.TotalMicroseconds / (Count - 5000):F2} µs");
        }
        foreach (bool strict in new[] { false, true })
        {
            await using RequestJournal journal = JournalFiles.Open(_folder.In("many" + strict), strict: strict);
            int each = strict ? 200 : Count / 16;
            var watch = Stopwatch.StartNew();
            await Task.WhenAll(Enumerable.Range(0, 16).Select(writer => Task.Run(async () =>
            {
                for (int i = 0; i < each; i++)
                    await journal.AppendAsync(closed[writer * each + i]);
            })));
            output.WriteLine($"16 writers, strict {strict}: {16 * each / watch.Elapsed.TotalSeconds:F0} records/s");
            Assert.Equal(16 * each, journal.Health.UnshippedCloses);
        }
    }

    [Fact]
    public async Task A_segment_rolls_at_its_size()
    {
        await using RequestJournal journal = JournalFiles.Open(_folder.Path, segmentBytes: 2000);
        for (int i = 0; i < 100; i++)
            await journal.AppendAsync(Records.Close(Records.Reserve()));
        Assert.True(journal.Health.Segments > 10);
        Assert.Equal(100, JournalFiles.ReadAll(journal).Count);
        Assert.All(Directory.GetFiles(_folder.Path, "*.fwj"), static path => Assert.Equal(DataFolder.SecretFileMode, File.GetUnixFileMode(path)));
    }

    [Fact]
    public async Task A_full_journal_refuses_reservations_and_still_takes_closes()
    {
        RequestReserved last = Records.Reserve();
        await using RequestJournal journal = JournalFiles.Open(_folder.Path, maxUnshipped: 8000);
        await Assert.ThrowsAsync<JournalUnavailableException>(async () =>
        {
            for (int i = 0; i < 1000; i++)
                await journal.AppendAsync(last = Records.Reserve());
        });
        Assert.True(journal.Health.Full);
        await journal.AppendAsync(Records.Close(last));
        await Assert.ThrowsAsync<JournalUnavailableException>(async () =>
        {
            for (int i = 0; i < 1000; i++)
                await journal.AppendAsync(Records.Close(Records.Reserve()));
        });
        Assert.True(journal.Health.UnshippedBytes < 10_000);
    }

    [Fact]
    public async Task A_negative_amount_is_refused()
    {
        await using RequestJournal journal = JournalFiles.Open(_folder.Path);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await journal.AppendAsync(Records.Reserve(-1)));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await journal.AppendAsync(Records.Close(Records.Reserve(), -1)));
        Assert.Empty(JournalFiles.ReadAll(journal));
    }
}
