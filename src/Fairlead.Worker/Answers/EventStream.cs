using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Worker.Answers;

/// <summary>Server-sent events of one answer; one JSON writer serves them all.</summary>
internal sealed class EventStream : IDisposable
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly HttpResponse _response;
    private readonly Utf8JsonWriter _json;

    public EventStream(HttpResponse response)
    {
        _response = response;
        _json = new Utf8JsonWriter(response.BodyWriter, Plain);
    }

    /// <summary>Sends the headers: from here on a failure is an event.</summary>
    public Task BeginAsync(CancellationToken cancellationToken)
    {
        _response.ContentType = "text/event-stream; charset=utf-8";
        _response.Headers.CacheControl = "no-cache";
        return _response.StartAsync(cancellationToken);
    }

    /// <summary>Appends one event without sending it yet.</summary>
    public void Add<T>(T state, Action<Utf8JsonWriter, T> write)
    {
        Put("data: "u8);
        _json.Reset(_response.BodyWriter);
        _json.WriteStartObject();
        write(_json, state);
        _json.WriteEndObject();
        _json.Flush();
        Put("\n\n"u8);
    }

    /// <summary>Appends the mark after which nothing comes.</summary>
    public void End() => Put("data: [DONE]\n\n"u8);

    /// <summary>Sends what was appended.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken) => await _response.BodyWriter.FlushAsync(cancellationToken);

    public void Dispose() => _json.Dispose();

    private void Put(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_response.BodyWriter.GetSpan(bytes.Length));
        _response.BodyWriter.Advance(bytes.Length);
    }
}
