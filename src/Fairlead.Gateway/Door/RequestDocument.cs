using System.Text.Json;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Gateway.Catalogue;

namespace Fairlead.Gateway.Door;

/// <summary>The decision record as JSON: what <c>GET /v1/requests/{id}</c> and the admin API return for good.</summary>
internal static class RequestDocument
{
    public static void Write(Utf8JsonWriter json, RequestClosed closed, string? keyName)
    {
        json.WriteStartObject();
        json.WriteString("id", closed.Id.ToString());
        json.WriteString("object", "request");
        json.WriteString("key", keyName ?? closed.Key.ToString());
        json.WriteString("started_at", closed.StartedAt.UtcDateTime);
        json.WriteString("closed_at", closed.ClosedAt.UtcDateTime);
        json.WriteString("route", Path(closed.Route));
        json.WriteString("model_asked", closed.AskedModel);
        json.WriteBoolean("stream", closed.Stream);
        json.WriteNumber("status", closed.Status);
        json.WriteString("end_reason", closed.EndReason.Word());
        json.WriteString("problem_code", closed.ProblemCode);
        json.WriteString("provider", closed.Provider);
        json.WriteString("model", closed.Model);
        json.WriteString("provider_model", closed.ProviderModelId);
        if (closed.SubstituteFor is { } retired)
        {
            json.WriteStartObject("substitute_for");
            json.WriteString("model", retired.Model);
            json.WriteString("retired_on", retired.Since?.ToString("O", System.Globalization.CultureInfo.InvariantCulture));
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("substitute_for");
        }
        json.WriteString("policy", closed.Policy);
        json.WriteNumber("catalogue_version", closed.CatalogueVersion);
        // A 64-bit number would lose its last digits in a JavaScript client.
        json.WriteString("seed", closed.Seed.ToString("x16", System.Globalization.CultureInfo.InvariantCulture));
        WriteMoney(json, closed);
        WriteDecision(json, closed);
        json.WriteString("client_reference", closed.ClientReference);
        json.WriteEndObject();
    }

    private static void WriteMoney(Utf8JsonWriter json, RequestClosed closed)
    {
        json.WriteStartObject("usage");
        json.WriteNumber("input_tokens", closed.Usage.InputTokens);
        json.WriteNumber("output_tokens", closed.Usage.OutputTokens);
        json.WriteNumber("cached_input_tokens", closed.Usage.CachedInputTokens);
        json.WriteNumber("cache_write_tokens", closed.Usage.CacheWriteTokens);
        json.WriteNumber("cache_write_hour_tokens", closed.Usage.CacheWriteHourTokens); // of those before
        json.WriteNumber("reasoning_tokens", closed.Usage.ReasoningTokens);
        json.WriteNumber("compute_seconds", closed.Usage.ComputeSeconds);
        json.WriteString("source", closed.UsageSource.ToString().ToLowerInvariant());
        json.WriteEndObject();
        if (closed.Price is { } price)
        {
            json.WriteStartObject("price");
            json.WriteString("input", price.Input.PerMillion.ToString());
            json.WriteString("output", price.Output.PerMillion.ToString());
            json.WriteString("cached_input", (price.CachedInput ?? price.Input).PerMillion.ToString());
            json.WriteString("cache_write", (price.CacheWrite ?? price.Input).PerMillion.ToString());
            json.WriteString("cache_write_hour", (price.CacheWriteHour ?? price.CacheWrite ?? price.Input).PerMillion.ToString());
            json.WriteString("per", "1M tokens, USD");
            json.WriteString("hourly", price.Hourly?.PerHour.ToString()); // US dollars for an hour of computing; null: time is not measured
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("price");
        }
        json.WriteNumber("reserved_nano_usd", closed.Reserved.Value);
        json.WriteNumber("cost_nano_usd", closed.Charged.Value);
        json.WriteString("cost_usd", closed.Charged.ToString());
        json.WriteNumber("written_off_nano_usd", closed.WrittenOff.Value);
        json.WriteNumber("waste_nano_usd", closed.Waste.Value);
    }

    private static void WriteDecision(Utf8JsonWriter json, RequestClosed closed)
    {
        json.WriteStartArray("candidates");
        foreach (string offer in closed.Candidates)
            json.WriteStringValue(offer);
        json.WriteEndArray();
        json.WriteStartArray("excluded");
        foreach (ExcludedOffer excluded in closed.Excluded)
        {
            json.WriteStartObject();
            json.WriteString("offer", excluded.Offer);
            json.WriteString("reason", RouteRefusals.Words(excluded.Reason));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("attempts");
        foreach (Attempt attempt in closed.Attempts)
        {
            json.WriteStartObject();
            json.WriteString("offer", attempt.Offer);
            Ms(json, "start_ms", attempt.StartMs);
            Ms(json, "waited_ms", attempt.WaitedMs);
            json.WriteBoolean("cold", attempt.WasCold);
            Ms(json, "connected_ms", attempt.ConnectedMs);
            Ms(json, "headers_ms", attempt.HeadersMs);
            Ms(json, "first_token_ms", attempt.FirstTokenMs);
            Ms(json, "end_ms", attempt.EndMs);
            json.WriteString("fault", attempt.Fault is { } fault ? Snake(fault.ToString()) : null);
            if (attempt.UpstreamStatus is { } status)
                json.WriteNumber("upstream_status", status);
            else
                json.WriteNull("upstream_status");
            json.WriteString("detail", attempt.Detail);
            json.WriteString("upstream_request_id", attempt.UpstreamRequestId);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void Ms(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } ms)
            json.WriteNumber(name, Math.Round(ms, 3));
        else
            json.WriteNull(name);
    }

    private static string Path(Route route) => route switch
    {
        Route.Chat => "/v1/chat/completions",
        Route.Messages => "/v1/messages",
        Route.Completions => "/v1/completions",
        _ => "/v1/embeddings",
    };

    private static string Snake(string name) =>
        string.Concat(name.Select(static (c, i) => char.IsUpper(c) ? (i > 0 ? "_" : "") + char.ToLowerInvariant(c) : c.ToString()));
}
