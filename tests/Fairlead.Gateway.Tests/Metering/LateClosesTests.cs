using Fairlead.Domain.Ids;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Gateway.Metering;
using Fairlead.Storage.Journal;
using Fairlead.Storage.Tests.Yard;
using Fairlead.Yard;
using Microsoft.Extensions.Logging.Abstractions;

namespace Fairlead.Gateway.Tests.Metering;

/// <summary>Closes wait for a journal on a disk that is full on command.</summary>
public sealed class LateClosesTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fairlead-late-").FullName;
    private readonly DiskFaults _disk = new();
    private readonly ManualClock _clock = new();
    private RequestJournal _journal = null!;
    private LateCloses _late = null!;

    [Fact]
    public async Task They_go_in_oldest_first_within_a_second_of_the_disk_being_well_again()
    {
        RequestClosed[] closes = [.. Enumerable.Range(1, 50).Select(i => Close(i))];
        foreach (RequestClosed close in closes)
            await _journal.AppendAsync(new RequestReserved(close.Id, close.Key, close.StartedAt, close.Route, close.AskedModel, close.Reserved));
        _disk.Full = _disk.CannotSync = _disk.CannotTruncate = true;
        Assert.All(closes, close => Assert.True(_late.TryKeep(close)));
        _clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(50, _late.Count);
        _disk.Full = _disk.CannotSync = _disk.CannotTruncate = false;
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, _late.Count);
        var records = new List<JournalRecord>();
        _journal.Read(_journal.Shipped, int.MaxValue, records);
        Assert.Equal(closes.Select(static c => c.Id), records.Where(static r => r.Kind == RecordKind.Closed).Select(static r => r.Id));
        Assert.All(records.Skip(50).Zip(closes), static pair => Assert.Equal(pair.Second.Charged, pair.First.Closed!.Charged));
    }

    [Fact]
    public void More_than_the_bound_are_left_to_the_next_start()
    {
        _disk.Full = true;
        RequestClosed close = Close(1);
        for (int i = 0; i < LateCloses.Most; i++)
            Assert.True(_late.TryKeep(close));
        Assert.False(_late.TryKeep(close));
        Assert.Equal(LateCloses.Most, _late.Count);
    }

    [Fact]
    public async Task A_stop_tries_once_more()
    {
        RequestClosed close = Close(1);
        Assert.True(_late.TryKeep(close));
        await _late.DisposeAsync();
        Assert.True(_journal.TryFind(close.Id, out RequestClosed found));
        Assert.Equal(close.Charged, found.Charged);
    }

    [Fact]
    public async Task A_stop_waits_the_second_that_the_journal_wants_between_two_tries()
    {
        RequestClosed close = Close(1);
        _disk.Full = true;
        await Assert.ThrowsAsync<JournalUnavailableException>(async () => await _journal.AppendAsync(close));
        Assert.True(_late.TryKeep(close));
        _disk.Full = false;
        ValueTask stopping = _late.DisposeAsync();
        Assert.False(stopping.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(1));
        await stopping;
        Assert.True(_journal.TryFind(close.Id, out _));
    }

    public ValueTask InitializeAsync()
    {
        _journal = RequestJournal.Open(new JournalOptions { Folder = Path.Combine(_folder, "journal") }, _clock, null, _disk.Open);
        _late = new LateCloses(_journal, _clock, NullLogger<LateCloses>.Instance);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        _disk.Full = false;
        await _journal.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private RequestClosed Close(long charged)
    {
        DateTimeOffset now = _clock.GetUtcNow();
        return new RequestClosed
        {
            Id = RequestId.New(now),
            Key = KeyId.New(now),
            StartedAt = now,
            ClosedAt = now,
            Route = Route.Chat,
            AskedModel = "acme/chat",
            Status = 200,
            EndReason = EndReason.Ok,
            Reserved = new NanoDollars(100),
            Charged = new NanoDollars(charged),
        };
    }
}
