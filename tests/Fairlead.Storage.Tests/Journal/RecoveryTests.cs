using Fairlead.Domain.Ids;
using Fairlead.Domain.Ledger;
using Fairlead.Storage.Journal;
using Fairlead.Storage.Tests.Yard;

namespace Fairlead.Storage.Tests.Journal;

public sealed class RecoveryTests(ITestOutputHelper output) : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_journal_cut_at_any_byte_replays_exactly_the_whole_records_before_the_cut()
    {
        var ends = new List<long> { Segment.HeaderBytes };
        var ids = new List<RequestId>();
        await using (RequestJournal journal = JournalFiles.Open(_folder.In("whole")))
        {
            for (int i = 0; i < 4; i++)
            {
                RequestReserved reserved = Records.Reserve();
                await journal.AppendAsync(reserved);
                ends.Add(Segment.HeaderBytes + journal.Health.UnshippedBytes);
                ids.Add(reserved.Id);
                if (i < 3)
                {
                    await journal.AppendAsync(Records.Close(reserved));
                    ends.Add(Segment.HeaderBytes + journal.Health.UnshippedBytes);
                    ids.Add(reserved.Id);
                }
            }
        }
        byte[] whole = await File.ReadAllBytesAsync(JournalFiles.OnlySegment(_folder.In("whole")));
        Assert.Equal(ends[^1], whole.Length);

        string cutFolder = _folder.In("cut");
        Directory.CreateDirectory(cutFolder);
        for (int cut = 0; cut <= whole.Length; cut++)
        {
            await File.WriteAllBytesAsync(Path.Combine(cutFolder, "00000001.fwj"), whole[..cut]);
            int expected = Math.Max(0, ends.FindLastIndex(end => end <= cut));
            await using RequestJournal journal = JournalFiles.Open(cutFolder);
            Assert.Equal(ids.Take(expected), JournalFiles.Ids(journal));
            Assert.Equal(cut < Segment.HeaderBytes ? cut : cut - ends[expected], journal.Opening.TornBytes);
            Assert.Empty(journal.Opening.Damages);
            Assert.Equal(expected % 2, journal.Dangling.Count);
            await journal.AppendAsync(Records.Reserve()); // and it goes on
            Assert.Equal(expected + 1, JournalFiles.ReadAll(journal).Count);
        }
    }

    [Fact]
    public async Task Damage_in_the_middle_is_named_kept_and_costs_only_the_record_it_hit()
    {
        var ids = new List<RequestId>();
        var starts = new List<long>();
        await using (RequestJournal journal = JournalFiles.Open(_folder.Path))
        {
            for (int i = 0; i < 5; i++)
            {
                starts.Add(Segment.HeaderBytes + journal.Health.UnshippedBytes);
                RequestReserved reserved = Records.Reserve();
                await journal.AppendAsync(reserved);
                ids.Add(reserved.Id);
            }
        }
        string path = JournalFiles.OnlySegment(_folder.Path);
        byte[] whole = await File.ReadAllBytesAsync(path);
        for (long at = starts[2]; at < starts[3]; at++)
        {
            byte[] damaged = [.. whole];
            damaged[at] ^= 0x10;
            await File.WriteAllBytesAsync(path, damaged);
            await using (RequestJournal journal = JournalFiles.Open(_folder.Path))
            {
                JournalDamage damage = Assert.Single(journal.Opening.Damages);
                Assert.Equal("00000001.fwj", damage.Segment);
                Assert.Equal(starts[2], damage.Offset);
                Assert.Equal(starts[3] - starts[2], damage.Length);
                Assert.Equal(damaged[(int)starts[2]..(int)starts[3]], await File.ReadAllBytesAsync(damage.Quarantine));
                Assert.Equal(ids.Where((_, i) => i != 2), JournalFiles.Ids(journal));
            }
            await using RequestJournal again = JournalFiles.Open(_folder.Path);
            Assert.Empty(again.Opening.Damages);
            Assert.Equal(4, JournalFiles.Ids(again).Count);
        }
    }

    [Fact]
    public async Task A_tail_that_is_damaged_in_an_older_segment_is_no_torn_tail()
    {
        await using (RequestJournal journal = JournalFiles.Open(_folder.Path, segmentBytes: 300))
        {
            for (int i = 0; i < 6; i++)
                await journal.AppendAsync(Records.Reserve());
        }
        string first = Directory.GetFiles(_folder.Path, "*.fwj").Order().First();
        await using (FileStream stream = File.OpenWrite(first))
            stream.SetLength(stream.Length - 3);
        await using RequestJournal reopened = JournalFiles.Open(_folder.Path);
        Assert.Equal(0, reopened.Opening.TornBytes);
        Assert.Single(reopened.Opening.Damages);
        Assert.Equal(5, JournalFiles.Ids(reopened).Count);
    }

    [Fact]
    public async Task Zeros_and_garbage_at_the_end_are_cut_off()
    {
        await using (RequestJournal journal = JournalFiles.Open(_folder.Path))
            await journal.AppendAsync(Records.Reserve());
        var random = new Random(7);
        foreach (int length in new[] { 1, 7, 8, 9, 4096, 300_000 })
        {
            foreach (bool zeros in new[] { true, false })
            {
                var tail = new byte[length];
                if (!zeros)
                    random.NextBytes(tail);
                await File.AppendAllBytesAsync(JournalFiles.OnlySegment(_folder.Path), tail);
                await using RequestJournal journal = JournalFiles.Open(_folder.Path);
                Assert.Equal(length, journal.Opening.TornBytes);
                Assert.Single(JournalFiles.Ids(journal));
            }
        }
    }

    [Fact]
    public async Task A_record_of_a_newer_version_stops_the_start()
    {
        await using (RequestJournal journal = JournalFiles.Open(_folder.Path))
            await journal.AppendAsync(Records.Reserve());
        string path = JournalFiles.OnlySegment(_folder.Path);
        byte[] bytes = await File.ReadAllBytesAsync(path);
        bytes[Segment.HeaderBytes + RecordFrame.HeaderBytes] = RecordCodec.Version + 1;
        RecordFrame.Seal(bytes.AsSpan(Segment.HeaderBytes));
        await File.WriteAllBytesAsync(path, bytes);
        Assert.Throws<JournalFormatException>(() => JournalFiles.Open(_folder.Path));
        Assert.Equal(bytes, await File.ReadAllBytesAsync(path));
    }

    [Fact]
    public void No_payload_however_odd_reads_beyond_its_end()
    {
        var writer = new PayloadWriter();
        RecordCodec.Write(writer, Records.Close(Records.Reserve()));
        byte[] payload = writer.Written[RecordFrame.HeaderBytes..].ToArray();
        var random = new Random(11);
        for (int round = 0; round < 50_000; round++)
        {
            byte[] odd = payload[..random.Next(payload.Length + 1)];
            for (int i = random.Next(4); i > 0 && odd.Length > 0; i--)
                odd[random.Next(odd.Length)] = (byte)random.Next(256);
            try
            {
                RecordCodec.ReadClosed(odd);
            }
            catch (Exception e) when (e is JournalFormatException or OverflowException)
            {
                // Refused, as it should be.
            }
        }
    }

    [Fact]
    public async Task Each_of_a_hundred_thousand_records_opens_as_quickly_as_each_of_ten_thousand()
    {
        (string few, string many) = (_folder.In("few"), _folder.In("many"));
        await WriteAsync(few, 10_000);
        await WriteAsync(many, 100_000);
        (TimeSpan few, TimeSpan many) least = (TimeSpan.MaxValue, TimeSpan.MaxValue);
        for (int turn = 0; turn < 3; turn++)
        {
            TimeSpan took = await OpenAsync(few, 10_000);
            least.few = took < least.few ? took : least.few;
            took = await OpenAsync(many, 100_000);
            least.many = took < least.many ? took : least.many;
        }
        output.WriteLine($"{least.few.TotalMilliseconds:F0} and {least.many.TotalMilliseconds:F0} ms");
        Assert.InRange(least.many / least.few, 0, 50); // ten where each costs the same, a little more for what no cache holds; a hundred where it costs as much as there are

        static async Task WriteAsync(string folder, int records)
        {
            await using RequestJournal journal = JournalFiles.Open(folder);
            for (int i = 0; i < records / 2; i++)
            {
                RequestReserved reserved = Records.Reserve();
                await journal.AppendAsync(reserved);
                if (i >= records / 100)
                    await journal.AppendAsync(Records.Close(reserved));
                else
                    await journal.AppendAsync(Records.Reserve() with { Id = RequestId.New(Records.Noon) });
            }
        }

        static async Task<TimeSpan> OpenAsync(string folder, int records)
        {
            TimeSpan began = Shared.ThreadTime.Now;
            RequestJournal journal = JournalFiles.Open(folder);
            TimeSpan took = Shared.ThreadTime.Now - began;
            await using (journal)
                Assert.Equal((records, records / 50), (journal.Opening.Records, journal.Dangling.Count));
            return took;
        }
    }
}
