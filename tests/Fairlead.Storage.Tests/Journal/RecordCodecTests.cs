using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Storage.Journal;
using Fairlead.Storage.Tests.Yard;

namespace Fairlead.Storage.Tests.Journal;

public sealed class RecordCodecTests
{
    [Fact]
    public void A_record_with_every_member_set_is_read_back_whole()
    {
        var price = new OfferPrice(Per(1), Per(2), Per(3), Per(4), Per(6), new HourlyPrice(new NanoDollars(5)));
        var retired = new Retirement("claude-3-opus-20240229", new DateOnly(2026, 1, 5), "anthropic/claude-opus-5");
        RequestClosed closed = Records.Close(Records.Reserve()) with
        {
            Price = price,
            Usage = new Usage(11, 7, 3, 2, 2, 1) { ComputeTime = TimeSpan.MaxValue },
            SubstituteFor = retired,
            Attempts = [new Attempt { Offer = "local/qwen", StartMs = 1, PlaceMs = 4_251, WasCold = true, ConnectedMs = 4_251.5, EndMs = 5_000 }],
        };
        RequestClosed read = RecordCodec.ReadClosed(Payload(closed));
        Assert.Equal(price, read.Price);
        Assert.Equal(retired, read.SubstituteFor);
        Assert.Equal(closed.Usage, read.Usage);
        Attempt attempt = Assert.Single(read.Attempts);
        Assert.Equal((4_250, true), (attempt.WaitedMs, attempt.WasCold));
        Assert.Equal(Records.Print(closed), Records.Print(read));
    }

    [Fact]
    public void A_price_without_an_hour_is_not_one_of_nothing_an_hour()
    {
        RequestClosed closed = Records.Close(Records.Reserve());
        Assert.Null(RecordCodec.ReadClosed(Payload(closed with { Price = OfferPrice.Free })).Price!.Hourly);
        Assert.Equal(NanoDollars.Zero, RecordCodec.ReadClosed(Payload(closed with { Price = OfferPrice.ByTheHour(NanoDollars.Zero) })).Price!.Hourly!.Value.PerHour);
        Assert.Null(RecordCodec.ReadClosed(Payload(closed with { Price = null })).Price);
    }

    [Fact]
    public void A_retirement_of_which_neither_day_nor_successor_is_known_is_read_back_as_that()
    {
        var retired = new Retirement("old", null, null);
        Assert.Equal(retired, RecordCodec.ReadClosed(Payload(Records.Close(Records.Reserve()) with { SubstituteFor = retired })).SubstituteFor);
        Assert.Null(RecordCodec.ReadClosed(Payload(Records.Close(Records.Reserve()))).SubstituteFor);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(255)]
    public void A_version_that_nobody_wrote_yet_is_refused_by_its_number(byte version)
    {
        byte[] payload = Payload(Records.Close(Records.Reserve()));
        payload[0] = version;
        var e = Assert.Throws<JournalFormatException>(() => RecordCodec.ReadClosed(payload));
        Assert.Contains($"record version {version}", e.Message, StringComparison.Ordinal);
    }

    private static byte[] Payload(RequestClosed closed)
    {
        var writer = new PayloadWriter();
        RecordCodec.Write(writer, closed);
        return writer.Written[RecordFrame.HeaderBytes..].ToArray();
    }

    private static TokenPrice Per(long million) => new(new NanoDollars(million));
}
