using System.Text.Json;
using Fairlead.Engine.Loading;

namespace Fairlead.Worker;

/// <summary>Where a load stands; written by the load, read by <c>/health</c> and by every request.</summary>
internal sealed class Readiness
{
    private volatile ServedModel? _model;
    private volatile ModelNeed? _need;
    private double _progress;

    /// <summary>The model; null while it is being loaded.</summary>
    public ServedModel? Model => _model;

    /// <summary>What it needs; null until that is known.</summary>
    public ModelNeed? Need
    {
        get => _need;
        set => _need = value;
    }

    /// <summary>How much of the weights is there, 0 to 1; never falls.</summary>
    public double Progress
    {
        get => Volatile.Read(ref _progress);
        set => Volatile.Write(ref _progress, value);
    }

    /// <summary>The load is over.</summary>
    public void Ready(ServedModel model)
    {
        Progress = 1;
        _model = model;
    }

    /// <summary><c>{"status": "loading" or "ready", …}</c></summary>
    public void Write(Utf8JsonWriter json, string name)
    {
        ServedModel? model = _model;
        json.WriteStartObject();
        json.WriteString("status", model is null ? "loading" : "ready");
        json.WriteString("model", name);
        if (model is null)
            json.WriteNumber("progress", Math.Round(Progress, 3));
        if (_need is { } need)
        {
            json.WriteNumber("bytes", need.FileBytes);
            json.WriteNumber("memory_bytes", need.Total);
        }
        model?.WriteFacts(json);
        json.WriteEndObject();
    }
}
