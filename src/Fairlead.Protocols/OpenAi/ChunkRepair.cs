using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.OpenAi;

/// <summary>What became of one event on the slow path.</summary>
internal readonly record struct RepairedChunk(
    JsonObject? Chunk, bool IsSemantic, int ContentEvents, int ContentBytes, bool OverLimit, bool EndsStream, UpstreamFault? Fault);

/// <summary>Mends streamed events that OpenAI's own clients would stumble over, and keeps what must not change within a stream: id, model, roles,
/// numbers of choices and tool calls.</summary>
internal sealed class ChunkRepair(StreamExpectations expected)
{
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly OddJson _odd = new();
    private readonly SortedDictionary<int, ChoiceRepair> _choices = [];
    private string? _id;
    private string? _model;
    private long _created;
    private JsonNode? _fingerprint;

    /// <summary>Something was said in any choice.</summary>
    public bool AnyContent => _choices.Values.Any(static c => c.Said);

    /// <summary>At least one choice has begun and each of them has a reason to finish.</summary>
    public bool AllFinished => _choices.Count > 0 && _choices.Values.All(static c => c.Finished);

    private bool IsChat => expected.Route == Route.Chat;

    /// <summary>A plain event of choice 0 may pass as it is: the choice has its role, or the event brings it, and it has not finished.</summary>
    public bool AcceptsPlain(bool hasRole)
    {
        if (!_choices.TryGetValue(0, out ChoiceRepair? choice))
            return hasRole || !IsChat;
        return !choice.Finished && (choice.HasRole || hasRole || !IsChat);
    }

    /// <summary>Takes note of a plain event that passes.</summary>
    public void NotePlain(ReadOnlySpan<byte> data, bool hasRole)
    {
        ChoiceRepair choice = Choice(0);
        choice.HasRole |= hasRole;
        if (_model is null)
            AdoptEnvelope(data);
    }

    public long ContentEvents(int choice) => _choices.TryGetValue(choice, out ChoiceRepair? known) ? known.ContentEvents : 0;

    public void CountContent(int choice)
    {
        ChoiceRepair known = Choice(choice);
        known.ContentEvents++;
        known.Said = true;
    }

    /// <summary>Makes an id the stream's own; false when another one already is.</summary>
    public bool AdoptId(ReadOnlySpan<byte> id)
    {
        string text = Encoding.UTF8.GetString(id);
        _id ??= text;
        return _id == text;
    }

    /// <summary>Reads an event leniently; null when it is no object.</summary>
    public JsonObject? Read(ReadOnlySpan<byte> data, StreamFraming framing)
    {
        JsonObject? chunk = _odd.Parse(data);
        return chunk is not null && framing == StreamFraming.NdJson ? OllamaChunk.ToOpenAi(chunk) : chunk;
    }

    public JsonNode? UsageOf(JsonObject chunk) =>
        chunk["usage"] as JsonObject
        ?? (expected.Quirks.HasFlag(ResponseQuirks.XGroqUsage) ? (chunk["x_groq"] as JsonObject)?["usage"] as JsonObject : null);

    /// <summary>Brings one event into form. The chunk is null when nothing of it is for the caller.</summary>
    public RepairedChunk Repair(JsonObject chunk, long? mostPerChoice)
    {
        AdoptEnvelope(chunk);
        bool ends = chunk.Remove("__done");
        chunk.Remove("usage");
        chunk.Remove("obfuscation");
        if (chunk["choices"] is not JsonArray choices || choices.Count == 0)
            return new RepairedChunk(null, false, 0, 0, false, ends, null);

        bool semantic = false;
        bool over = false;
        int events = 0;
        int bytes = 0;
        var kept = new JsonArray();
        foreach (JsonNode? node in choices.ToArray())
        {
            if (node is not JsonObject choice)
                continue;
            int index = choice["index"] is JsonValue i && i.TryGetValue(out int number) ? number : 0;
            if (index is < 0 or >= 128)
                return Failed(FaultKind.Malformed, $"A choice has the number {index}.");
            ChoiceRepair state = Choice(index);
            ChoiceRepair.Result result = state.Repair(choice, index, IsChat);
            if (result.Fault is { } fault)
                return Failed(FaultKind.ErrorInStream, fault);
            if (result.Content > 0)
            {
                if (mostPerChoice is { } most && state.ContentEvents >= most)
                {
                    over = true;
                    continue;
                }
                state.ContentEvents++;
                state.Said = true;
                events++;
                bytes += result.Content;
            }
            if (!result.Keep)
                continue;
            semantic |= result.IsSemantic;
            choices.Remove(choice);
            kept.Add((JsonNode)choice);
        }
        if (kept.Count == 0)
            return new RepairedChunk(null, false, events, bytes, over, ends, null);
        chunk["choices"] = kept;
        Stabilise(chunk);
        return new RepairedChunk(chunk, semantic, events, bytes, over, ends, null);
    }

    /// <summary>Chunks that finish every choice that has not finished.</summary>
    public IEnumerable<JsonObject> MissingFinishes(string reason)
    {
        foreach ((int index, ChoiceRepair choice) in _choices)
        {
            if (choice.Finished)
                continue;
            choice.Finished = true;
            JsonObject chunk = Envelope();
            string word = choice.HasToolCalls && reason == "stop" ? "tool_calls" : reason;
            chunk["choices"] = new JsonArray(IsChat
                ? new JsonObject { ["index"] = index, ["delta"] = new JsonObject(), ["finish_reason"] = word }
                : new JsonObject { ["index"] = index, ["text"] = "", ["finish_reason"] = word });
            yield return chunk;
        }
    }

    /// <summary>A chunk of this stream without choices.</summary>
    public JsonObject Envelope()
    {
        var chunk = new JsonObject();
        Stabilise(chunk);
        if (_fingerprint is not null)
            chunk["system_fingerprint"] = _fingerprint.DeepClone();
        return chunk;
    }

    public static void Append(JsonObject chunk, PooledBuffer output)
    {
        output.Append("data: "u8);
        using (var json = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            chunk.WriteTo(json, Relaxed);
        output.Append("\n\n"u8);
    }

    private ChoiceRepair Choice(int index)
    {
        if (!_choices.TryGetValue(index, out ChoiceRepair? choice))
            _choices[index] = choice = new ChoiceRepair();
        return choice;
    }

    private void Stabilise(JsonObject chunk)
    {
        chunk["id"] = _id ?? expected.FallbackId;
        chunk["object"] = expected.ChunkObject;
        chunk["created"] = _created > 0 ? _created : expected.CreatedUnix;
        chunk["model"] = _model ?? expected.FallbackModel;
    }

    private void AdoptEnvelope(JsonObject chunk)
    {
        if (string.IsNullOrEmpty(_id) && Text(chunk["id"]) is { Length: > 0 } id)
            _id = id;
        if (string.IsNullOrEmpty(_model) && Text(chunk["model"]) is { Length: > 0 } model)
            _model = model;
        if (_created == 0 && chunk["created"] is JsonValue created && created.TryGetValue(out long at) && at > 0)
            _created = at;
        if (_fingerprint is null && Text(chunk["system_fingerprint"]) is { Length: > 0 } fingerprint)
            _fingerprint = fingerprint;
    }

    private void AdoptEnvelope(ReadOnlySpan<byte> data)
    {
        var cursor = new JsonCursor(data, JsonBounds.Default);
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out _))
        {
            bool model = name.SequenceEqual("model"u8);
            bool created = name.SequenceEqual("created"u8);
            bool fingerprint = name.SequenceEqual("system_fingerprint"u8);
            JsonKind kind = cursor.Peek();
            if (!cursor.Skip(out Range range))
                return;
            if (model && kind == JsonKind.String && range.End.Value - range.Start.Value > 2)
                _model = JsonText.Unescape(data[range][1..^1], escaped: true);
            else if (created && kind == JsonKind.Number && JsonText.TryWhole(data[range], out long at))
                _created = at;
            else if (fingerprint && kind == JsonKind.String)
                _fingerprint = JsonText.Unescape(data[range][1..^1], escaped: true);
        }
        _model ??= "";
    }

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    private static RepairedChunk Failed(FaultKind kind, string detail) => new(null, false, 0, 0, false, false, new UpstreamFault(kind, detail, 200));
}
