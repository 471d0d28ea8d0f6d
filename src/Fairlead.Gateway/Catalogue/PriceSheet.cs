using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Fairlead.Domain.Money;

namespace Fairlead.Gateway.Catalogue;

/// <summary>One row of the price sheet: what a model cost at a provider, from a day on.</summary>
public sealed record PriceRow
{
    public required string Provider { get; init; }
    public required string Model { get; init; }
    public string? HubId { get; init; }

    /// <summary>The model's name as the provider writes it for people; null where the sheet has none.</summary>
    public string? DisplayName { get; init; }

    /// <summary>Other names under which the provider serves this very model.</summary>
    public ImmutableArray<string> Aliases { get; init; } = [];

    /// <summary><c>chat</c>, <c>embedding</c>, <c>image</c> or <c>asr</c>; the first two are served.</summary>
    public required string Mode { get; init; }

    /// <summary>Null where the price is not per token or not known.</summary>
    public OfferPrice? Price { get; init; }

    /// <summary>First day on which it holds; null where it has no successor or predecessor.</summary>
    public DateOnly? From { get; init; }

    public long? Context { get; init; }
    public long? MaxOutput { get; init; }
    public bool? Tools { get; init; }
    public bool? Images { get; init; }
    public bool? Structured { get; init; }

    /// <summary><c>live</c>, <c>deprecated</c>, <c>removed</c>, <c>dedicated-only</c> or <c>unknown</c>.</summary>
    public required string Status { get; init; }

    public DateOnly? RetiresOn { get; init; }

    /// <summary>The provider's model that is to be used in its place; null where the sheet names none.</summary>
    public string? Successor { get; init; }

    /// <summary>The day on which the row was true at its source.</summary>
    public DateOnly? AsOf { get; init; }
}

/// <summary>The prices that ship with the product, checked row by row when they are read. Prices are US dollars per million tokens, as decimal text.</summary>
/// <remarks>Prices of Anthropic's cache follow its published rule (pricing page, "prompt caching"): what is written for five minutes costs 1.25 times the input's
/// price, for an hour twice, and what is read a tenth; of Claude Haiku 3 alone it has published rounded figures. Retirement dates and names without dates are
/// those of the tables in Anthropic's SDKs. A successor is the newest live model of the same line, or where a line has ended, of the one that took its place.</remarks>
public sealed class PriceSheet
{
    private static readonly HashSet<string> Members =
    [
        "provider", "model", "hub_id", "display_name", "aliases", "mode", "input", "output", "cached_input", "cache_write", "cache_write_hour", "context", "max_output", "tools", "images", "structured",
        "status", "retires_on", "successor", "from", "as_of", "source",
    ];

    private PriceSheet(IReadOnlyList<PriceRow> rows) => Rows = rows;

    /// <summary>The sheet in this build.</summary>
    public static PriceSheet Shipped { get; } = Load();

    public IReadOnlyList<PriceRow> Rows { get; }

    /// <summary>The rows in force on a day: of several for one model at one provider, the latest that has begun.</summary>
    public IEnumerable<PriceRow> On(DateOnly day) =>
        Rows.Where(row => row.From is null || row.From <= day)
            .GroupBy(static row => (row.Provider, row.Model))
            .Select(static rows => rows.MaxBy(static row => row.From ?? DateOnly.MinValue)!);

    /// <summary>Reads a sheet.</summary>
    /// <exception cref="InvalidDataException">A row is wrong; says which and how.</exception>
    public static PriceSheet Parse(Stream json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        var rows = new List<PriceRow>();
        var seen = new HashSet<(string, string, DateOnly?)>();
        int number = 0;
        foreach (JsonElement element in document.RootElement.EnumerateArray())
        {
            number++;
            PriceRow row = Read(element, number);
            if (!seen.Add((row.Provider, row.Model, row.From)))
                throw Wrong(number, $"{row.Provider}/{row.Model} has two prices from one day");
            rows.Add(row);
        }
        return new PriceSheet(rows);
    }

    private static PriceSheet Load()
    {
        using Stream stream = typeof(PriceSheet).Assembly.GetManifestResourceStream("prices.json")
            ?? throw new InvalidDataException("prices.json is not in this build.");
        return Parse(stream);
    }

    private static PriceRow Read(JsonElement element, int number)
    {
        foreach (JsonProperty member in element.EnumerateObject())
        {
            if (!Members.Contains(member.Name))
                throw Wrong(number, $"has an unknown member '{member.Name}'");
        }
        string status = Text(element, "status") ?? throw Wrong(number, "has no status");
        if (status is not ("live" or "deprecated" or "removed" or "dedicated-only" or "unknown"))
            throw Wrong(number, $"has status '{status}'");
        TokenPrice? input = Price(element, "input", number);
        TokenPrice? output = Price(element, "output", number);
        string mode = Text(element, "mode") ?? throw Wrong(number, "has no mode");
        bool priced = input is not null && (output is not null || mode == "embedding");
        return new PriceRow
        {
            Provider = Text(element, "provider") ?? throw Wrong(number, "has no provider"),
            Model = Text(element, "model") ?? throw Wrong(number, "has no model"),
            HubId = Text(element, "hub_id"),
            DisplayName = Text(element, "display_name"),
            Aliases = Texts(element, "aliases", number),
            Mode = mode,
            Price = priced
                ? new OfferPrice(
                    input!.Value, output ?? default, Price(element, "cached_input", number), Price(element, "cache_write", number), Price(element, "cache_write_hour", number))
                : null,
            From = Day(element, "from", number),
            Context = Count(element, "context", number),
            MaxOutput = Count(element, "max_output", number),
            Tools = Flag(element, "tools"),
            Images = Flag(element, "images"),
            Structured = Flag(element, "structured"),
            Status = status,
            RetiresOn = Day(element, "retires_on", number),
            Successor = Text(element, "successor"),
            AsOf = Day(element, "as_of", number),
        };
    }

    private static TokenPrice? Price(JsonElement element, string member, int number)
    {
        if (Text(element, member) is not { } text)
            return null;
        return NanoDollars.TryParseDollars(text, out NanoDollars amount)
            ? new TokenPrice(amount)
            : throw Wrong(number, $"has the price '{text}' for '{member}'");
    }

    private static DateOnly? Day(JsonElement element, string member, int number)
    {
        if (Text(element, member) is not { } text)
            return null;
        return DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day)
            ? day
            : throw Wrong(number, $"has the day '{text}' for '{member}'");
    }

    private static long? Count(JsonElement element, string member, int number)
    {
        if (!element.TryGetProperty(member, out JsonElement value))
            return null;
        return value.TryGetInt64(out long count) && count > 0 ? count : throw Wrong(number, $"has {value} for '{member}'");
    }

    private static bool? Flag(JsonElement element, string member) => element.TryGetProperty(member, out JsonElement value) ? value.GetBoolean() : null;

    private static string? Text(JsonElement element, string member) => element.TryGetProperty(member, out JsonElement value) ? value.GetString() : null;

    private static ImmutableArray<string> Texts(JsonElement element, string member, int number)
    {
        if (!element.TryGetProperty(member, out JsonElement value))
            return [];
        return value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(static item => item.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(static item => item.GetString()!)]
            : throw Wrong(number, $"has {value} for '{member}' where a list of texts should be");
    }

    private static InvalidDataException Wrong(int number, string what) => new($"prices.json: row {number} {what}.");
}
