using System.Collections.Immutable;
using System.Text;
using Fairlead.Domain.Money;
using Fairlead.Domain.Problems;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Dialects;

/// <summary>The <c>provider</c> object of a request: how the caller wants its offers chosen. Never forwarded.</summary>
internal sealed record ProviderWishes
{
    public static ProviderWishes None { get; } = new();

    public ImmutableArray<string> Order { get; init; } = [];
    public ImmutableArray<string> Only { get; init; } = [];
    public ImmutableArray<string> Ignore { get; init; } = [];
    public bool AllowFallbacks { get; init; } = true;
    public bool RequireParameters { get; init; }
    public RoutePolicy? Sort { get; init; }
    public TokenPrice? MaxInputPrice { get; init; }
    public TokenPrice? MaxOutputPrice { get; init; }

    public static Problem? Read(ref JsonCursor cursor, ReadOnlySpan<byte> body, RequestLimits limits, out ProviderWishes? wishes)
    {
        wishes = null;
        if (ValueReader.SkipNull(ref cursor))
            return null;
        if (ValueReader.Wrong(ref cursor, "provider", "an object such as {\"order\": [\"together\"]}", JsonKind.Object) is { } wrong)
            return wrong;
        cursor.Enter();
        var read = new ProviderWishes();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> raw, out bool escaped))
        {
            string name = JsonText.Unescape(raw, escaped);
            Problem? problem;
            switch (name)
            {
                case "order" or "only" or "ignore":
                    problem = ValueReader.Names(ref cursor, $"provider.{name}", limits, out List<string>? list);
                    ImmutableArray<string> names = list is null ? [] : [.. list];
                    read = name switch { "order" => read with { Order = names }, "only" => read with { Only = names }, _ => read with { Ignore = names } };
                    break;
                case "allow_fallbacks":
                    JsonKind kind = cursor.Peek();
                    problem = ValueReader.Bool(ref cursor, "provider.allow_fallbacks", out bool allow);
                    read = read with { AllowFallbacks = kind == JsonKind.Null || allow };
                    break;
                case "require_parameters":
                    problem = ValueReader.Bool(ref cursor, "provider.require_parameters", out bool require);
                    read = read with { RequireParameters = require };
                    break;
                case "sort":
                    problem = ValueReader.Text(ref cursor, "provider.sort", out string? sort);
                    RoutePolicy? policy = sort switch { "price" => RoutePolicy.Cheapest, "throughput" => RoutePolicy.Fastest, "latency" => RoutePolicy.Latency, _ => null };
                    if (problem is null && sort is not null && policy is null)
                        problem = new Problem(ProblemKind.FieldInvalid, $"'provider.sort' is '{ValueReader.Show(sort)}'; \"price\", \"throughput\" or \"latency\" is expected.", "provider.sort");
                    read = read with { Sort = policy };
                    break;
                case "max_price":
                    problem = ReadMaxPrice(ref cursor, body, ref read);
                    break;
                default:
                    problem = new Problem(ProblemKind.FieldInvalid,
                        $"'provider.{ValueReader.Show(name)}' is not known here. Known: order, only, ignore, allow_fallbacks, sort, max_price, require_parameters.", "provider");
                    break;
            }
            if (problem is not null || cursor.Fault is not null)
                return problem;
        }
        wishes = read;
        return null;
    }

    private static Problem? ReadMaxPrice(ref JsonCursor cursor, ReadOnlySpan<byte> body, ref ProviderWishes wishes)
    {
        if (ValueReader.SkipNull(ref cursor))
            return null;
        if (ValueReader.Wrong(ref cursor, "provider.max_price", "an object such as {\"prompt\": 1, \"completion\": 2}", JsonKind.Object) is { } wrong)
            return wrong;
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> raw, out bool escaped))
        {
            string name = JsonText.Unescape(raw, escaped);
            if (name is not ("prompt" or "completion"))
                return new Problem(ProblemKind.FieldInvalid, $"'provider.max_price.{ValueReader.Show(name)}' is not known here. Known: prompt, completion (US dollars per million tokens).", "provider.max_price");
            if (ValueReader.Wrong(ref cursor, $"provider.max_price.{name}", "US dollars per million tokens, such as 0.5", JsonKind.Number, JsonKind.String) is { } bad)
                return bad;
            if (!cursor.Skip(out Range range))
                return null;
            // Read as decimal text, never through a floating-point number.
            string text = Encoding.UTF8.GetString(body[range]).Trim('"');
            if (!NanoDollars.TryParseDollars(text, out NanoDollars amount))
                return new Problem(ProblemKind.FieldInvalid, $"'provider.max_price.{name}' is {ValueReader.Show(text)}; plain US dollars per million tokens with at most nine places are expected.", "provider.max_price");
            wishes = name == "prompt" ? wishes with { MaxInputPrice = new TokenPrice(amount) } : wishes with { MaxOutputPrice = new TokenPrice(amount) };
        }
        return null;
    }
}
