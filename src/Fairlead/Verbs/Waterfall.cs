using System.Globalization;
using System.Text.Json;

namespace Fairlead.Verbs;

/// <summary>A decision record as a waterfall: when what was tried, and what it led to.</summary>
internal static class Waterfall
{
    public static void Print(JsonElement record, TextWriter output)
    {
        double total = (record.GetProperty("closed_at").GetDateTime() - record.GetProperty("started_at").GetDateTime()).TotalSeconds;
        output.WriteLine($"{Text(record, "id")}  {Text(record, "model_asked")} → {Or(Text(record, "provider"), "nobody")}/{Or(Text(record, "provider_model"), "–")}  {record.GetProperty("status")}  {total:0.00} s  ${Text(record, "cost_usd")}  {Text(record, "end_reason")}");
        output.WriteLine($"  {0:0.00}  route      {Text(record, "policy")}: {record.GetProperty("candidates").GetArrayLength()} candidates");
        if (record.GetProperty("substitute_for") is { ValueKind: JsonValueKind.Object } retired)
            output.WriteLine($"        instead of {Text(retired, "model")}, which its provider withdrew{(Text(retired, "retired_on") is { Length: > 0 } day ? $" on {day}" : "")}");
        foreach (JsonElement excluded in record.GetProperty("excluded").EnumerateArray())
            output.WriteLine($"        not        {Text(excluded, "offer")}: {Text(excluded, "reason")}");
        foreach (JsonElement attempt in record.GetProperty("attempts").EnumerateArray())
        {
            var steps = new List<string>();
            Step(attempt, "connected_ms", "connect", steps);
            Step(attempt, "headers_ms", "headers", steps);
            Step(attempt, "first_token_ms", "first token", steps);
            string end = Text(attempt, "fault") is { Length: > 0 } fault
                ? $"{fault}{(attempt.GetProperty("upstream_status").ValueKind == JsonValueKind.Number ? $" {attempt.GetProperty("upstream_status")}" : "")}: {Text(attempt, "detail")}"
                : "served";
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {attempt.GetProperty("start_ms").GetDouble() / 1000:0.00}  {Text(attempt, "offer")}  ├─ {string.Join(" ─ ", steps.Append(end))}"));
        }
        JsonElement usage = record.GetProperty("usage");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"  {total:0.00}  settle     reserved ${Nano(record, "reserved_nano_usd")} → charged ${Text(record, "cost_usd")}, {usage.GetProperty("input_tokens")} in{Caches(usage)}, {usage.GetProperty("output_tokens")} out ({Text(usage, "source")})"));
    }

    /// <summary>Of the input, what was priced apart, where anything was.</summary>
    private static string Caches(JsonElement usage)
    {
        string[] parts =
        [
            .. new[] { ("cached_input_tokens", "read from a cache"), ("cache_write_tokens", "written to it"), ("cache_write_hour_tokens", "of those for an hour") }
                .Where(part => usage.GetProperty(part.Item1).GetInt64() > 0)
                .Select(part => $"{usage.GetProperty(part.Item1)} {part.Item2}"),
        ];
        return parts.Length == 0 ? "" : $" ({string.Join(", ", parts)})";
    }

    private static void Step(JsonElement attempt, string member, string word, List<string> steps)
    {
        if (attempt.GetProperty(member).ValueKind == JsonValueKind.Number)
            steps.Add(string.Create(CultureInfo.InvariantCulture, $"{word} {attempt.GetProperty(member).GetDouble() - attempt.GetProperty("start_ms").GetDouble():0} ms"));
    }

    private static string Nano(JsonElement record, string member) => new Domain.Money.NanoDollars(record.GetProperty(member).GetInt64()).ToString();

    private static string Or(string text, string otherwise) => text.Length > 0 ? text : otherwise;

    private static string Text(JsonElement element, string member) => Terminal.Safe(element.GetProperty(member).ValueKind == JsonValueKind.String ? element.GetProperty(member).GetString() : "");
}
