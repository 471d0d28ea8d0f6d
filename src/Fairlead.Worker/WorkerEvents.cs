using System.Globalization;
using System.Text;
using System.Text.Json;
using Fairlead.Engine.Loading;

namespace Fairlead.Worker;

/// <summary>What whoever started this worker reads on its standard output, a line each: <c>needs {…}</c>, <c>progress 0.62</c>, <c>ready</c>, <c>kept</c>.</summary>
/// <remarks>Any thread may write. A reader that is gone ends the process by the pipe's other end, so what cannot be written is nobody's loss.</remarks>
internal sealed class WorkerEvents(TextWriter output)
{
    private readonly Lock _gate = new();

    /// <summary>What the model will need, before it is loaded.</summary>
    public void Needs(ModelNeed need)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteNumber("weights", need.Weights);
            json.WriteNumber("cache", need.Cache);
            json.WriteNumber("scratch", need.Scratch);
            json.WriteString("kind", need.IsEncoder ? "embedding" : "language");
            json.WriteNumber("context", need.Context);
            json.WriteNumber("longest_context", need.LongestContext);
            json.WriteNumber("slots", need.Slots);
            json.WriteBoolean("tools", need.HasTools);
            json.WriteNumber("files", need.FileBytes);
            json.WriteEndObject();
        }
        Write("needs " + Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length));
    }

    /// <summary>How far the load is, 0 to 1.</summary>
    public void Progress(double share) => Write(string.Create(CultureInfo.InvariantCulture, $"progress {share:0.###}"));

    /// <summary>It answers from now on.</summary>
    public void Ready() => Write("ready");

    /// <summary>Its packed weights are on disk for the next load.</summary>
    public void Kept() => Write("kept");

    private void Write(string line)
    {
        lock (_gate)
        {
            output.Write(line + "\n");
            output.Flush();
        }
    }
}
