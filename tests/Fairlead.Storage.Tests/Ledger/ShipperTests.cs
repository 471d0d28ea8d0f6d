using Fairlead.Domain.Ids;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Storage.Journal;
using Fairlead.Storage.Ledger;
using Fairlead.Storage.Sqlite;
using Fairlead.Storage.Tests.Yard;
using Microsoft.Data.Sqlite;

namespace Fairlead.Storage.Tests.Ledger;

public sealed class ShipperTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_batch_that_was_posted_and_not_acknowledged_is_not_posted_twice()
    {
        await using (var store = new OpenStore(_folder.Path))
        {
            for (int i = 0; i < 20; i++)
                await store.RunAsync(Records.Reserve());
            List<JournalRecord> batch = JournalFiles.ReadAll(store.Journal);
            // Committed with the old position, as if the position had been lost; then again; then in pieces that overlap.
            JournalPosition start = store.Journal.Shipped;
            Assert.Equal(20, store.Ledger.Post(batch, start));
            Assert.Equal(0, store.Ledger.Post(batch, start));
            Assert.Equal(0, store.Ledger.Post(batch[5..30], start));
        } // the process dies before it tells the journal
        await using var again = new OpenStore(_folder.Path);
        Assert.Equal(20, again.Journal.Health.UnshippedCloses);
        await again.ShipAsync();
        Assert.Equal(0, again.Journal.Health.UnshippedCloses);
        VerifyResult verified = again.Ledger.Verify();
        Assert.Empty(verified.Faults);
        Assert.Equal(20, verified.Requests);
    }

    [Fact]
    public async Task A_restart_resumes_where_the_store_is()
    {
        await using (var store = new OpenStore(_folder.Path))
        {
            await store.RunAsync(Records.Reserve());
            await store.ShipAsync();
            await store.RunAsync(Records.Reserve());
        }
        await using var again = new OpenStore(_folder.Path);
        await again.ShipAsync();
        Assert.Equal(1, again.Shipper.Health.Shipped);
        Assert.Equal(2, again.Ledger.Verify().Requests);
    }

    [Fact]
    public async Task What_the_store_has_is_not_read_from_the_journal_again_after_a_restart()
    {
        RequestClosed shipped;
        await using (var store = new OpenStore(_folder.Path))
        {
            shipped = await store.RunAsync(Records.Reserve());
            await store.ShipAsync();
            await store.RunAsync(Records.Reserve());
        }
        await using var again = new OpenStore(_folder.Path);
        Assert.Equal(2, again.Journal.Health.UnshippedCloses); // a journal alone cannot know
        again.Ledger.ResumeJournal();
        Assert.Equal(1, again.Journal.Health.UnshippedCloses);
        Assert.Equal(12_800, again.Ledger.SpendByKey(Records.Noon)[Records.Key].Today.Value);
        Assert.Equal(Records.Print(shipped), Records.Print(again.Ledger.Find(shipped.Id)!));
    }

    [Fact]
    public async Task Shipped_segments_go_unless_a_running_request_began_in_them()
    {
        RequestReserved running = Records.Reserve();
        await using (var store = new OpenStore(_folder.Path, segmentBytes: 2000))
        {
            await store.Journal.AppendAsync(running);
            for (int i = 0; i < 50; i++)
                await store.RunAsync(Records.Reserve());
            Assert.True(store.Journal.Health.Segments > 5);
            await store.ShipAsync();
            Assert.True(store.Journal.Health.Segments > 5); // a close never goes before its reservation
            Assert.Equal(0, store.Journal.Health.UnshippedBytes);
        }
        await using var again = new OpenStore(_folder.Path, segmentBytes: 2000);
        Assert.Equal(running, Assert.Single(again.Journal.Dangling));
        Assert.Equal(1, await again.Ledger.CloseInterruptedAsync(Records.Noon.AddHours(1)));
        Assert.Equal(0, await again.Ledger.CloseInterruptedAsync(Records.Noon.AddHours(1)));
        await again.ShipAsync();
        Assert.Equal(1, again.Journal.Health.Segments);
        RequestClosed closed = again.Ledger.Find(running.Id)!;
        Assert.Equal((running.Amount, Domain.Inference.EndReason.Interrupted), (closed.Charged, closed.EndReason));
        Assert.Empty(again.Ledger.Verify().Faults);
    }

    [Fact]
    public async Task A_request_that_never_ends_does_not_keep_the_journal_for_ever()
    {
        RequestReserved running = Records.Reserve();
        await using (var store = new OpenStore(_folder.Path, segmentBytes: 2000))
        {
            await store.Journal.AppendAsync(running);
            store.Shipper.Start();
            for (int i = 0; i < 200; i++)
            {
                await store.RunAsync(Records.Reserve());
                while (store.Journal.Health.UnshippedCloses > 10)
                    await Task.Yield(); // a slow disk must not be outrun
            }
            Assert.InRange(store.Journal.Health.Segments, 1, 20);
            await store.Shipper.StopAsync(CancellationToken.None);
            Assert.Empty(store.Ledger.Verify().Faults);
        }
        await using var again = new OpenStore(_folder.Path, segmentBytes: 2000);
        Assert.Equal(running, Assert.Single(again.Journal.Dangling));
        Assert.Equal(1, await again.Ledger.CloseInterruptedAsync(Records.Noon));
        await again.ShipAsync();
        Assert.Equal(1, again.Journal.Health.Segments);
        Assert.Empty(again.Ledger.Verify().Faults);
    }

    [Fact]
    public async Task A_batch_that_ends_where_a_segment_does_does_not_stop_the_shipper()
    {
        // 284 segments and batches of any size: some batch ends with its segment, which is then deleted under the shipper's feet.
        await using var store = new OpenStore(_folder.Path, segmentBytes: 2000);
        await store.Journal.AppendAsync(Records.Reserve());
        for (int i = 0; i < 1_000; i++)
            await store.RunAsync(Records.Reserve());
        store.Shipper.Start();
        while (store.Shipper.Health.Shipped < 1_000)
        {
            Assert.Null(store.Shipper.Health.Error);
            await Task.Yield();
        }
        await store.ShipAsync();
        Assert.Equal(1_000, store.Ledger.Verify().Requests);
    }

    [Fact]
    public async Task A_locked_store_is_reported_and_caught_up_with()
    {
        await using var store = new OpenStore(_folder.Path);
        using (var other = new SqliteConnection($"Data Source={_folder.In("store.db")};Pooling=False"))
        {
            other.Open();
            using SqliteTransaction held = other.BeginTransaction();
            await store.RunAsync(Records.Reserve());
            store.Shipper.Start();
            while (store.Shipper.Health.Error is null)
                await Task.Yield();
            Assert.NotNull(store.Shipper.Health.FailingSince);
            await store.RunAsync(Records.Reserve()); // still served
        }
        while (store.Journal.Health.UnshippedCloses > 0)
            await Task.Yield();
        await store.Shipper.StopAsync(CancellationToken.None);
        Assert.Null(store.Shipper.Health.Error);
        Assert.Equal(2, store.Ledger.Verify().Requests);
    }

    [Fact]
    public async Task The_loop_wakes_for_new_records_and_stopping_drains()
    {
        await using var store = new OpenStore(_folder.Path);
        store.Shipper.Start();
        for (int round = 0; round < 20; round++)
        {
            await store.RunAsync(Records.Reserve());
            while (store.Journal.Health.UnshippedCloses > 0)
                await Task.Yield();
        }
        for (int i = 0; i < 3000; i++)
            await store.RunAsync(Records.Reserve());
        await store.Shipper.StopAsync(CancellationToken.None);
        Assert.Equal(3020, store.Ledger.Verify().Requests);
        Assert.Equal(0, store.Journal.Health.UnshippedBytes);
    }

    [Fact]
    public async Task A_hundred_thousand_random_operations_leave_what_a_simple_model_says()
    {
        var random = new Random(20);
        KeyId[] keys = [.. Enumerable.Range(0, 5).Select(static _ => KeyId.New(Records.Noon))];
        var spent = new Dictionary<KeyId, long>();
        var open = new List<RequestReserved>();
        var done = new List<RequestClosed>();
        long revenue = 0, writeOff = 0, waste = 0;
        var store = new OpenStore(_folder.Path, segmentBytes: 1 << 20);
        for (int step = 0; step < 100_000; step++)
        {
            int what = random.Next(100);
            if (what < 48 || open.Count == 0)
            {
                RequestReserved reserved = Records.Reserve(random.Next(4) == 0 ? 0 : random.Next(1, 1_000_000), keys[random.Next(keys.Length)]);
                await store.Journal.AppendAsync(reserved);
                open.Add(reserved);
            }
            else if (what < 97)
            {
                int index = random.Next(open.Count);
                RequestReserved reserved = open[index];
                open[index] = open[^1];
                open.RemoveAt(open.Count - 1);
                RequestClosed closed = Records.Priced(Records.Close(reserved, random.NextInt64(reserved.Amount.Value + 1)) with
                {
                    WrittenOff = new NanoDollars(random.Next(10) == 0 ? random.Next(1000) : 0),
                    Waste = new NanoDollars(random.Next(10) == 0 ? random.Next(1000) : 0),
                    Provider = random.Next(3) == 0 ? null : "p" + random.Next(3),
                    Candidates = [], Excluded = [], Attempts = [],
                });
                await store.Journal.AppendAsync(closed);
                done.Add(closed);
                spent[reserved.Key] = spent.GetValueOrDefault(reserved.Key) + closed.Charged.Value;
                revenue += closed.Charged.Value;
                writeOff += closed.WrittenOff.Value;
                waste += closed.Waste.Value;
            }
            else if (what < 99 && done.Count > 0)
            {
                await store.Journal.AppendAsync(done[random.Next(done.Count)]); // the same close again
            }
            else if (random.Next(10) == 0)
            {
                await store.ShipAsync();
            }
            else if (random.Next(200) == 0)
            {
                await store.DisposeAsync();
                store = new OpenStore(_folder.Path, segmentBytes: 1 << 20);
            }
            if (step % 20_000 == 19_999)
            {
                await store.ShipAsync();
                Check(store);
            }
        }
        await store.ShipAsync();
        Check(store);
        Assert.Empty(store.Ledger.Verify().Faults);
        await store.DisposeAsync();

        void Check(OpenStore at)
        {
            Dictionary<string, long> balances = at.Database.Read(static connection => connection.All(
                "SELECT account, balance FROM balances", static row => (row.GetString(0), row.GetInt64(1)))).ToDictionary();
            foreach (KeyId key in keys)
            {
                Assert.Equal(0, balances.GetValueOrDefault(AccountName.Reserved(key).Value)); // what runs is the journal's
                Assert.Equal(-spent.GetValueOrDefault(key), balances.GetValueOrDefault(AccountName.Available(key).Value));
                Assert.Equal(spent.GetValueOrDefault(key), at.Ledger.SpendByKey(Records.Noon).GetValueOrDefault(key).Today.Value);
            }
            Assert.Equal(revenue, balances[AccountName.Revenue.Value]);
            Assert.Equal(-writeOff, balances[AccountName.WriteOff.Value]);
            Assert.Equal(-waste, balances[AccountName.ProviderWaste.Value]);
            Assert.Equal(0, balances.Values.Sum());
            Assert.Equal(done.Count, at.Database.Read(static connection => connection.One<long>("SELECT COUNT(*) FROM requests")));
        }
    }

    [Fact]
    public async Task Writers_and_readers_together_never_see_a_locked_database()
    {
        await using var store = new OpenStore(_folder.Path);
        store.Shipper.Start();
        var first = await store.RunAsync(Records.Reserve());
        await Task.WhenAll(Enumerable.Range(0, 64).Select(number => Task.Run(async () =>
        {
            for (int i = 0; i < 30; i++)
            {
                if (number % 2 == 0)
                    await store.RunAsync(Records.Reserve());
                else
                    Assert.NotNull(store.Ledger.Find(first.Id));
                if (number % 16 == 1)
                    store.Ledger.Usage(new DateOnly(2026, 1, 1), UsageGrouping.Model);
            }
        })));
        await store.Shipper.StopAsync(CancellationToken.None);
        Assert.Null(store.Shipper.Health.Error);
        Assert.Equal(961, store.Ledger.Verify().Requests);
    }
}
