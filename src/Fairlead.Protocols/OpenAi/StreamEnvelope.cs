using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.OpenAi;

/// <summary>What must not change within a stream: id, object, time and model. Taken from the first event that is relayed (F025, F031, F220);
/// OpenAI's own helper drops events of another <c>object</c> in silence.</summary>
/// <param name="expected">The request.</param>
/// <param name="isToldOnce">The caller hears of it at the beginning alone, so that an event may differ from the first one.</param>
internal sealed class StreamEnvelope(StreamExpectations expected, bool isToldOnce = false)
{
    private readonly byte[] _object = Encoding.UTF8.GetBytes(expected.ChunkObject);
    private byte[] _id = [];
    private byte[] _model = [];
    private byte[] _created = [];
    private string? _fingerprint;
    private bool _isSet;

    /// <summary>The model's name as the stream says it; empty as long as it has said nothing.</summary>
    public string Model => Encoding.UTF8.GetString(_model);

    /// <summary>An event may pass as it is: it says what the stream has said so far, or is the first to say it.</summary>
    public bool Admits(ChunkGlance glance)
    {
        if (_isSet && isToldOnce)
            return true;
        if (!glance.Object.SequenceEqual(_object))
            return false;
        if (_isSet)
            return glance.Id.SequenceEqual(_id) && glance.Model.SequenceEqual(_model) && glance.Created.SequenceEqual(_created);
        if (glance.Id.IsEmpty || glance.Model.IsEmpty || glance.Created.IsEmpty || glance.Created.Length > 12)
            return false;
        _id = glance.Id.ToArray();
        _model = glance.Model.ToArray();
        _created = glance.Created.ToArray();
        _fingerprint = glance.Fingerprint.IsEmpty ? null : JsonText.Unescape(glance.Fingerprint, escaped: true);
        _isSet = true;
        return true;
    }

    /// <summary>Gives a chunk the stream's own envelope; what the stream has not said yet is taken from the chunk, or is ours.</summary>
    public void Put(JsonObject chunk)
    {
        if (!_isSet)
        {
            _id = Encoding.UTF8.GetBytes(Text(chunk["id"]) ?? expected.FallbackId);
            _model = Encoding.UTF8.GetBytes(Text(chunk["model"]) ?? expected.FallbackModel);
            long created = chunk["created"] is JsonValue value && value.TryGetValue(out long at) && at is > 0 and < 1_000_000_000_000 ? at : expected.CreatedUnix;
            _created = Encoding.UTF8.GetBytes(created.ToString(CultureInfo.InvariantCulture));
            _fingerprint = Text(chunk["system_fingerprint"]);
            _isSet = true;
        }
        chunk["id"] = Encoding.UTF8.GetString(_id);
        chunk["object"] = expected.ChunkObject;
        chunk["created"] = long.Parse(_created, CultureInfo.InvariantCulture);
        chunk["model"] = Encoding.UTF8.GetString(_model);
    }

    /// <summary>A chunk of this stream that says nothing yet.</summary>
    public JsonObject Chunk()
    {
        var chunk = new JsonObject();
        Put(chunk);
        if (_fingerprint is not null)
            chunk["system_fingerprint"] = _fingerprint;
        return chunk;
    }

    private static string? Text(JsonNode? node) => node.AsText() is { Length: > 0 } text ? text : null;
}
