using System.Text;
using System.Text.Json;
using Fairlead.Yard;

namespace Fairlead.Conformance.Replay;

/// <summary>A request as a client sent it once, from the recordings of clients that cannot run here (Python, Go, Java).</summary>
public sealed record RecordedRequest(string Id, string Client, string Call, string Method, string Path, string Query, IReadOnlyList<KeyValuePair<string, string>> Headers, string? Body)
{
    private static readonly string[] Posts = ["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/messages", "/v1/messages/count_tokens"];

    /// <summary>The file with the recordings: <c>FAIRLEAD_CLIENT_RECORDINGS</c>, or where it stands beside a checkout; null when there is none.</summary>
    public static string? File { get; } = Find();

    public JsonElement? Json => Body is null ? null : JsonDocument.Parse(Body).RootElement;

    /// <summary>It came by Anthropic's door: one of its routes, or the models in its shape.</summary>
    public bool IsAnthropic => Path.StartsWith("/v1/messages", StringComparison.Ordinal) || Header("anthropic-version") is not null;

    public bool Streams => Json is { } json && json.TryGetProperty("stream", out JsonElement stream) && stream.ValueKind == JsonValueKind.True;

    /// <summary>True when the client asked for the usage chunk.</summary>
    public bool WantsUsage => Json is { } json && json.TryGetProperty("stream_options", out JsonElement options) && options.ValueKind == JsonValueKind.Object
        && options.TryGetProperty("include_usage", out JsonElement usage) && usage.ValueKind == JsonValueKind.True;

    public string? Text(string member) => Json is { } json && json.TryGetProperty(member, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public string? Header(string name) => Headers.FirstOrDefault(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    /// <summary>Every recorded request to a route that is served here.</summary>
    public static IEnumerable<RecordedRequest> All()
    {
        if (File is null)
            yield break;
        foreach (string line in System.IO.File.ReadLines(File))
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement request = document.RootElement.GetProperty("request");
            string method = request.GetProperty("method").GetString()!;
            string path = request.GetProperty("path").GetString()!;
            if (!(method == "POST" && Posts.Contains(path)) && !(method == "GET" && path.StartsWith("/v1/models", StringComparison.Ordinal)))
                continue;
            yield return new RecordedRequest(
                document.RootElement.GetProperty("id").GetString()!,
                $"{document.RootElement.GetProperty("client").GetString()} {document.RootElement.GetProperty("version").GetString()}",
                document.RootElement.GetProperty("call").GetString()!,
                method, path, request.GetProperty("query").GetString() ?? "",
                [.. request.GetProperty("headers").EnumerateArray().Select(static h => KeyValuePair.Create(h[0].GetString()!, h[1].GetString()!))],
                request.TryGetProperty("body_json", out JsonElement body) ? body.GetRawText() : null);
        }
    }

    /// <summary>The request's bytes with headers in their order and case; only key, host and length are those of here.</summary>
    public byte[] Wire(string key, string? model)
    {
        string? body = Body;
        if (body is not null && model is not null)
            body = body.Replace($"\"{Text("model")}\"", $"\"{model}\"", StringComparison.Ordinal);
        var wire = new StringBuilder($"{Method} {Path}{(Query.Length == 0 ? "" : "?" + Query)} HTTP/1.1\r\n");
        foreach ((string name, string value) in Headers)
        {
            string sent = name.ToLowerInvariant() switch
            {
                "authorization" => "Bearer " + key,
                "x-api-key" => key,
                "content-length" => Encoding.UTF8.GetByteCount(body ?? "").ToString(System.Globalization.CultureInfo.InvariantCulture),
                "host" => "127.0.0.1",
                _ => value,
            };
            wire.Append(name).Append(": ").Append(sent).Append("\r\n");
        }
        return Encoding.UTF8.GetBytes(wire.Append("\r\n").Append(body).ToString());
    }

    private static string? Find()
    {
        string? named = Environment.GetEnvironmentVariable("FAIRLEAD_CLIENT_RECORDINGS");
        string beside = Path_(Repository.Root, "..", "shared", "fixtures", "clients", "clients.jsonl");
        return named is { Length: > 0 } ? named : System.IO.File.Exists(beside) ? beside : null;
    }

    private static string Path_(params string[] parts) => System.IO.Path.GetFullPath(System.IO.Path.Combine(parts));
}
