using System.Text;
using Fairlead.Gateway.Catalogue;
using Fairlead.Upstreams.Providers;

namespace Fairlead.Gateway.Tests.Catalogue;

public sealed class PriceSheetTests
{
    [Theory]
    [InlineData("2026-08-31", 2_000_000_000, 10_000_000_000)]
    [InlineData("2026-09-01", 3_000_000_000, 15_000_000_000)]
    public void A_price_holds_from_its_day_on(string day, long input, long output)
    {
        PriceRow row = Assert.Single(PriceSheet.Shipped.On(DateOnly.ParseExact(day, "yyyy-MM-dd")), static r => r is { Provider: "anthropic", Model: "claude-sonnet-5" });
        Assert.Equal((input, output), (row.Price!.Input.PerMillion.Value, row.Price.Output.PerMillion.Value));
    }

    [Fact]
    public void One_price_is_in_force_for_each_model_at_each_provider() =>
        Assert.All(PriceSheet.Shipped.On(new DateOnly(2026, 11, 26)).GroupBy(static r => (r.Provider, r.Model)), static rows => Assert.Single(rows));

    [Fact]
    public void A_live_chat_row_has_a_price_and_is_of_a_provider_that_can_be_asked() =>
        Assert.All(
            PriceSheet.Shipped.Rows.Where(static r => r is { Status: "live", Mode: "chat" }),
            static r => Assert.True(r.Price is not null && (ProviderTable.Known.ContainsKey(r.Provider) || r.Provider is "replicate"), $"{r.Provider}/{r.Model}"));

    [Theory]
    [InlineData("[{\"provider\":\"a\",\"model\":\"m\",\"mode\":\"chat\",\"status\":\"live\",\"input\":\"0.1\",\"output\":\"1e3\"}]", "row 1 has the price '1e3'")]
    [InlineData("[{\"provider\":\"a\",\"model\":\"m\",\"mode\":\"chat\",\"status\":\"lively\"}]", "row 1 has status 'lively'")]
    [InlineData("[{\"provider\":\"a\",\"model\":\"m\",\"mode\":\"chat\",\"status\":\"live\",\"inptu\":\"1\"}]", "unknown member 'inptu'")]
    [InlineData("[{\"provider\":\"a\",\"model\":\"m\",\"mode\":\"chat\",\"status\":\"live\",\"from\":\"2026-13-01\"}]", "the day '2026-13-01'")]
    [InlineData("[{\"provider\":\"a\",\"model\":\"m\",\"mode\":\"chat\",\"status\":\"live\"},{\"provider\":\"a\",\"model\":\"m\",\"mode\":\"chat\",\"status\":\"live\"}]", "two prices from one day")]
    public void A_row_that_is_wrong_is_named(string json, string words)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(json));
        Assert.Contains(words, Assert.Throws<InvalidDataException>(() => PriceSheet.Parse(stream)).Message, StringComparison.Ordinal);
    }
}
