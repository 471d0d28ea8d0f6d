using Fairlead.Domain.Ids;
using Fairlead.Domain.Ledger;
using Fairlead.Storage.Journal;
using Fairlead.Storage.Tests.Yard;

namespace Fairlead.Storage.Tests.Journal;

public sealed class DiskFaultTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task An_error_at_the_nth_call_fails_its_append_and_nothing_else(bool strict, bool failSync)
    {
        for (int n = 2; n <= 201; n++) // 1 is the header of the first segment
        {
            string folder = _folder.In($"{strict}{failSync}{n}");
            var time = new SteppedTime();
            var disk = new DiskFaults { FailWrite = failSync ? 0 : n, FailSync = failSync ? n : 0 };
            var written = new List<RequestId>();
            int failed = 0;
            await using (RequestJournal journal = JournalFiles.Open(folder, time, disk, strict, segmentBytes: 2000))
            {
                for (int i = 0; i < 210; i++)
                {
                    RequestReserved reserved = Records.Reserve();
                    try
                    {
                        await journal.AppendAsync(reserved);
                        written.Add(reserved.Id);
                    }
                    catch (JournalUnavailableException)
                    {
                        failed++;
                        Assert.NotNull(journal.Health.LastError);
                        await Assert.ThrowsAsync<JournalUnavailableException>(async () => await journal.AppendAsync(Records.Reserve()));
                        time.Advance(TimeSpan.FromSeconds(1));
                    }
                }
                Assert.Null(journal.Health.LastError);
                Assert.Equal(written, JournalFiles.Ids(journal));
            }
            Assert.Equal(1, failed);
            await using RequestJournal reopened = JournalFiles.Open(folder);
            Assert.Equal(written, JournalFiles.Ids(reopened));
            Assert.Empty(reopened.Opening.Damages);
            Assert.Equal(0, reopened.Opening.TornBytes);
        }
    }

    [Fact]
    public async Task A_full_disk_refuses_and_space_returning_is_noticed_without_help()
    {
        var time = new SteppedTime();
        var disk = new DiskFaults();
        await using RequestJournal journal = JournalFiles.Open(_folder.Path, time, disk);
        RequestReserved kept = Records.Reserve();
        await journal.AppendAsync(kept);

        disk.Full = true;
        disk.CannotTruncate = true;
        for (int i = 0; i < 30; i++)
        {
            await Assert.ThrowsAsync<JournalUnavailableException>(async () => await journal.AppendAsync(Records.Reserve()));
            time.Advance(TimeSpan.FromMilliseconds(100));
        }
        Assert.InRange(disk.Writes, 3, 7); // header, kept, the first failure and at most one probe a second
        Assert.False(journal.Health.Available);

        disk.Full = false;
        time.Advance(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<JournalUnavailableException>(async () => await journal.AppendAsync(Records.Reserve())); // the torn tail is still there
        disk.CannotTruncate = false;
        time.Advance(TimeSpan.FromSeconds(1));
        await journal.AppendAsync(Records.Close(kept));
        Assert.True(journal.Health.Available);
        Assert.Equal([kept.Id, kept.Id], JournalFiles.Ids(journal));
    }

    [Fact]
    public async Task A_disk_that_is_really_full_loses_nothing_that_was_acknowledged()
    {
        string disk = _folder.In("disk");
        Directory.CreateDirectory(disk);
        Assert.SkipUnless(await RunAsync("mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", disk) == 0, "a tmpfs cannot be mounted here");
        try
        {
            string ballast = Path.Combine(disk, "ballast");
            await File.WriteAllBytesAsync(ballast, new byte[600_000]);
            var time = new SteppedTime();
            var written = new List<RequestId>();
            await using (RequestJournal journal = JournalFiles.Open(Path.Combine(disk, "journal"), time, segmentBytes: 100_000))
            {
                await Assert.ThrowsAsync<JournalUnavailableException>(async () =>
                {
                    for (int i = 0; i < 100_000; i++)
                        await AppendAsync();
                });
                File.Delete(ballast);
                time.Advance(TimeSpan.FromSeconds(1));
                for (int i = 0; i < 100; i++)
                    await AppendAsync();
                Assert.Equal(written, JournalFiles.Ids(journal));

                async Task AppendAsync()
                {
                    RequestReserved reserved = Records.Reserve();
                    await journal.AppendAsync(reserved);
                    written.Add(reserved.Id);
                }
            }
            await using RequestJournal reopened = JournalFiles.Open(Path.Combine(disk, "journal"));
            Assert.Equal(written, JournalFiles.Ids(reopened));
            Assert.Equal((0, 0L), (reopened.Opening.Damages.Count, reopened.Opening.TornBytes));
        }
        finally
        {
            await RunAsync("umount", "-l", disk);
        }
    }

    private static async Task<int> RunAsync(string program, params string[] arguments)
    {
        try
        {
            using var process = System.Diagnostics.Process.Start(
                new System.Diagnostics.ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true })!;
            await process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1; // no such program here
        }
    }

    [Fact]
    public async Task Everybody_who_waits_for_a_failing_write_is_told()
    {
        var time = new SteppedTime();
        var disk = new DiskFaults();
        await using RequestJournal journal = JournalFiles.Open(_folder.Path, time, disk, strict: true);
        disk.Full = true;
        Task[] appends = [.. Enumerable.Range(0, 64).Select(_ => Task.Run(async () => await journal.AppendAsync(Records.Reserve())))];
        foreach (Task append in appends)
            await Assert.ThrowsAsync<JournalUnavailableException>(() => append);
        Assert.Empty(JournalFiles.ReadAll(journal));
        disk.Full = false;
        time.Advance(TimeSpan.FromSeconds(1));
        await journal.AppendAsync(Records.Reserve());
        Assert.Single(JournalFiles.ReadAll(journal));
    }

    [Fact]
    public async Task A_failed_grouped_fsync_ends_its_segment()
    {
        var disk = new DiskFaults { FailSync = 2 };
        var time = new SteppedTime();
        await using RequestJournal journal = JournalFiles.Open(_folder.Path, time, disk);
        RequestReserved first = Records.Reserve();
        await journal.AppendAsync(first);
        while (journal.Health.LastError is null)
            await Task.Yield();
        await Assert.ThrowsAsync<JournalUnavailableException>(async () => await journal.AppendAsync(Records.Reserve()));
        time.Advance(TimeSpan.FromSeconds(1));
        await journal.AppendAsync(Records.Close(first));
        Assert.Equal(2, journal.Health.Segments);
        Assert.Equal(2, JournalFiles.ReadAll(journal).Count);
    }

    [Fact]
    public async Task A_disk_that_fails_every_fsync_does_not_use_up_the_descriptors()
    {
        var time = new SteppedTime();
        var disk = new DiskFaults();
        await using RequestJournal journal = JournalFiles.Open(_folder.Path, time, disk, strict: true);
        disk.CannotSync = true;
        for (int i = 0; i < 600; i++)
        {
            await Assert.ThrowsAsync<JournalUnavailableException>(async () => await journal.AppendAsync(Records.Reserve()));
            time.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.InRange(OpenFilesIn(_folder.Path), 1, 3);
    }

    [Fact]
    public async Task A_journal_that_no_store_takes_is_full_before_its_files_use_up_the_descriptors()
    {
        await using RequestJournal journal = JournalFiles.Open(_folder.Path, segmentBytes: 200);
        var kept = new List<RequestReserved>();
        await Assert.ThrowsAsync<JournalUnavailableException>(async () =>
        {
            while (kept.Count < 5_000)
            {
                RequestReserved reserved = Records.Reserve();
                await journal.AppendAsync(reserved);
                kept.Add(reserved);
            }
        });
        Assert.InRange(OpenFilesIn(_folder.Path), 100, 512);
        Assert.True(journal.Health.Full);
        await journal.AppendAsync(Records.Close(kept[0])); // that money is already spent
    }

    /// <summary>Descriptors of this process that point into a folder.</summary>
    private static int OpenFilesIn(string folder) => Directory.EnumerateFiles("/proc/self/fd").Count(fd => new FileInfo(fd).LinkTarget?.StartsWith(folder, StringComparison.Ordinal) == true);
}
