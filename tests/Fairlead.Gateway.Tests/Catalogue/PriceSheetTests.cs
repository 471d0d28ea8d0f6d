using System.Text;
using Fairlead.Domain.Money;
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

    /// <summary>Anthropic's published rule for its cache: 1.25 times the input's price for five minutes, twice for an hour, a tenth for reading. Of Claude Haiku 3
    /// alone it has published figures that are rounded.</summary>
    [Fact]
    public void What_anthropics_cache_costs_follows_from_what_input_costs()
    {
        PriceRow[] rows = [.. PriceSheet.Shipped.Rows.Where(static r => r is { Provider: "anthropic", Price: not null })];
        Assert.InRange(rows.Length, 15, 100);
        Assert.All(rows.Where(static r => r.Model != "claude-3-haiku-20240307"), static r => Assert.Equal(
            (r.Price!.Input.PerMillion.Value / 10, r.Price.Input.PerMillion.Value * 5 / 4, r.Price.Input.PerMillion.Value * 2, r.Model),
            (r.Price.CachedInput!.Value.PerMillion.Value, r.Price.CacheWrite!.Value.PerMillion.Value, r.Price.CacheWriteHour!.Value.PerMillion.Value, r.Model)));
        OfferPrice haiku = Assert.Single(rows, static r => r.Model == "claude-3-haiku-20240307").Price!;
        Assert.Equal((30_000_000, 300_000_000, 500_000_000), (haiku.CachedInput!.Value.PerMillion.Value, haiku.CacheWrite!.Value.PerMillion.Value, haiku.CacheWriteHour!.Value.PerMillion.Value));
    }

    [Theory]
    [InlineData("claude-1.3", "2024-11-06")]
    [InlineData("claude-instant-1.2", "2024-11-06")]
    [InlineData("claude-2.1", "2025-07-21")]
    [InlineData("claude-3-sonnet-20240229", "2025-07-21")]
    [InlineData("claude-3-5-sonnet-20241022", "2025-10-22", "claude-3-5-sonnet-latest")]
    [InlineData("claude-3-opus-20240229", "2026-01-05", "claude-3-opus-latest")]
    [InlineData("claude-3-7-sonnet-20250219", "2026-02-19", "claude-3-7-sonnet-latest")]
    [InlineData("claude-3-5-haiku-20241022", "2026-02-19", "claude-3-5-haiku-latest")]
    [InlineData("claude-opus-4-20250514", "2026-06-15", "claude-opus-4-0")]
    [InlineData("claude-sonnet-4-20250514", "2026-06-15", "claude-sonnet-4-0")]
    [InlineData("claude-mythos-preview", "2026-06-30")]
    [InlineData("claude-opus-4-1-20250805", "2026-08-05", "claude-opus-4-1")]
    [InlineData("claude-sonnet-4-5-20250929", "2026-11-30", "claude-sonnet-4-5")]
    public void Anthropics_retirements_are_known_with_their_day_and_the_other_name(string model, string day, string? alias = null)
    {
        PriceRow row = Assert.Single(PriceSheet.Shipped.Rows, r => r.Provider == "anthropic" && r.Model == model);
        Assert.Equal(DateOnly.ParseExact(day, "yyyy-MM-dd"), row.RetiresOn);
        if (alias is not null)
            Assert.Contains(alias, row.Aliases);
        Assert.NotNull(row.Successor);
    }

    [Fact]
    public void A_successor_is_a_row_that_is_not_on_its_way_out_and_nobody_has_two_names_of_one_provider()
    {
        Assert.All(PriceSheet.Shipped.Rows.Where(static r => r.Successor is not null and not "claude-mythos-5"), static r => // its price is not published
            Assert.Contains(PriceSheet.Shipped.Rows, s => s.Provider == r.Provider && s.Model == r.Successor && s.Status == "live" && s.Price is not null));
        Assert.All(
            PriceSheet.Shipped.On(new DateOnly(2026, 11, 26)).SelectMany(static r => r.Aliases.Prepend(r.Model).Select(name => (r.Provider, Name: name))).GroupBy(static named => named),
            static same => Assert.Single(same));
    }

    [Theory]
    [InlineData(true, "claude-haiku-4-5-20251001", "claude-sonnet-4-5-20250929", "claude-opus-4-5-20251101", "claude-opus-4-6", "claude-opus-4-7", "claude-opus-4-8", "claude-sonnet-4-6", "claude-sonnet-5", "claude-opus-5")]
    [InlineData(false, "claude-3-haiku-20240307", "claude-3-5-haiku-20241022", "claude-3-7-sonnet-20250219", "claude-opus-4-20250514", "claude-sonnet-4-20250514", "claude-opus-4-1-20250805")]
    public void Claude_keeps_to_a_schema_by_itself_from_version_four_and_a_half_on(bool structured, params string[] models) =>
        Assert.All(models, model => Assert.All(PriceSheet.Shipped.Rows.Where(r => r.Model == model), r => Assert.Equal(structured, r.Structured)));

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
    [InlineData("[{\"provider\":\"a\",\"model\":\"m\",\"mode\":\"chat\",\"status\":\"live\",\"aliases\":[1]}]", "row 1 has [1] for 'aliases'")]
    [InlineData("[{\"provider\":\"a\",\"model\":\"m\",\"mode\":\"chat\",\"status\":\"live\",\"from\":\"2026-13-01\"}]", "the day '2026-13-01'")]
    [InlineData("[{\"provider\":\"a\",\"model\":\"m\",\"mode\":\"chat\",\"status\":\"live\"},{\"provider\":\"a\",\"model\":\"m\",\"mode\":\"chat\",\"status\":\"live\"}]", "two prices from one day")]
    public void A_row_that_is_wrong_is_named(string json, string words)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(json));
        Assert.Contains(words, Assert.Throws<InvalidDataException>(() => PriceSheet.Parse(stream)).Message, StringComparison.Ordinal);
    }
}
