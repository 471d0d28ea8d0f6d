using System.Text.Json;

namespace Fairlead.Worker;

/// <summary>Where a load stands; written by the load, read by <c>/health</c> and by every request.</summary>
internal sealed class Readiness
{
    private volatile ServedModel? _model;

    /// <summary>The model; null while it is being loaded.</summary>
    public ServedModel? Model => _model;

    /// <summary>Bytes of the model's files, which a load has to read.</summary>
    public long Bytes { get; init; }

    /// <summary>The load is over.</summary>
    public void Ready(ServedModel model) => _model = model;

    /// <summary><c>{"status": "loading" or "ready", …}</c></summary>
    public void Write(Utf8JsonWriter json, string name)
    {
        json.WriteStartObject();
        json.WriteString("status", _model is null ? "loading" : "ready");
        json.WriteString("model", name);
        json.WriteNumber("bytes", Bytes);
        _model?.WriteFacts(json);
        json.WriteEndObject();
    }
}
