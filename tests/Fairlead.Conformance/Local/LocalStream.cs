using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;

namespace Fairlead.Conformance.Local;

/// <summary>One streamed answer as it stands on the wire: comments, events, end.</summary>
internal sealed class LocalStream : IDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly StreamReader _reader;

    private LocalStream(HttpResponseMessage response, StreamReader reader) => (_response, _reader) = (response, reader);

    public HttpStatusCode Status => _response.StatusCode;

    public HttpResponseHeaders Headers => _response.Headers;

    public string Id => Headers.GetValues("x-fairlead-request-id").Single();

    /// <summary>Comments so far, without the colon.</summary>
    public List<string> Comments { get; } = [];

    /// <summary>The data of events so far, the closing <c>[DONE]</c> too.</summary>
    public List<string> Events { get; } = [];

    /// <summary>All text of the answer so far.</summary>
    public string Content => string.Concat(Events.Where(static e => e.StartsWith('{')).Select(static e => (string?)(JsonNode.Parse(e)!["choices"] as JsonArray)?.FirstOrDefault()?["delta"]?["content"]));

    /// <summary>The error that ended it; null where none did.</summary>
    public JsonNode? Error => Events.Where(static e => e.StartsWith('{')).Select(static e => JsonNode.Parse(e)!["error"]).FirstOrDefault(static e => e is not null);

    public bool Done => Events.Contains("[DONE]");

    public static async Task<LocalStream> OpenAsync(HttpResponseMessage response) =>
        new(response, new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken)));

    /// <summary>Reads until something holds of it, or its end.</summary>
    /// <returns>False when it ended before.</returns>
    public async Task<bool> ReadUntilAsync(Func<LocalStream, bool> holds)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        late.CancelAfter(LocalYard.Patience);
        while (!holds(this))
        {
            string? line = await _reader.ReadLineAsync(late.Token);
            if (line is null)
                return false;
            if (line.StartsWith(':'))
                Comments.Add(line[1..].Trim());
            else if (line.StartsWith("data:", StringComparison.Ordinal))
                Events.Add(line[5..].Trim());
        }
        return true;
    }

    /// <summary>Reads to its end.</summary>
    public Task ReadAllAsync() => ReadUntilAsync(static _ => false);

    public void Dispose()
    {
        _reader.Dispose();
        _response.Dispose();
    }
}
