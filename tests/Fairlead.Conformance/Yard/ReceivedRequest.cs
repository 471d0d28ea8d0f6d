using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Fairlead.Yard;

/// <summary>One request as a scripted server got it, and what became of its answer.</summary>
public sealed class ReceivedRequest
{
    private readonly TaskCompletionSource<TimeSpan> _aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _played = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _arrived = Stopwatch.GetTimestamp();

    public ReceivedRequest(string head, byte[] body)
    {
        Head = head;
        Body = body;
        string[] lines = head.Split("\r\n");
        string[] first = lines[0].Split(' ');
        Method = first[0];
        Path = first.Length > 1 ? first[1] : "";
        Headers = [.. lines.Skip(1).Where(static l => l.Contains(':', StringComparison.Ordinal)).Select(static l => KeyValuePair.Create(l[..l.IndexOf(':')].Trim(), l[(l.IndexOf(':') + 1)..].Trim()))];
        Model = ModelOf(body);
    }

    /// <summary>Request line and header lines, without the empty line.</summary>
    public string Head { get; }

    public string Method { get; }
    public string Path { get; }
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; }

    /// <summary>The body, chunked framing undone.</summary>
    public byte[] Body { get; }

    public string Text => Encoding.UTF8.GetString(Body);

    /// <summary>The body's <c>model</c>; empty when it has none or is no JSON.</summary>
    public string Model { get; }

    /// <summary>Completes with the time after arrival at which the caller hung up before the answer was over; never, if it did not.</summary>
    public Task<TimeSpan> Aborted => _aborted.Task;

    /// <summary>Completes when the script has been played or given up.</summary>
    public Task Played => _played.Task;

    /// <summary>Value of a header, any case; null when it is not there.</summary>
    public string? Header(string name) => Headers.FirstOrDefault(h => string.Equals(h.Key, name, StringComparison.OrdinalIgnoreCase)).Value;

    /// <summary>The body as JSON.</summary>
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    internal void SetAborted() => _aborted.TrySetResult(Stopwatch.GetElapsedTime(_arrived));

    internal void SetPlayed() => _played.TrySetResult();

    private static string ModelOf(byte[] body)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(body);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("model", out JsonElement model) && model.ValueKind == JsonValueKind.String
                ? model.GetString()!
                : "";
        }
        catch (JsonException)
        {
            return ""; // a body that is no JSON names no model; the test looks at the bytes
        }
    }
}
