using System.Text.Json.Nodes;
using Fairlead.Engine.Tests.Formats;

namespace Fairlead.Engine.Tests.Architectures;

/// <summary>A golden checkpoint in a folder of its own, with its configuration changed.</summary>
internal sealed class CheckpointCopy : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public CheckpointCopy(string golden, Action<JsonObject> change)
    {
        string from = Goldens.Checkpoint(golden);
        JsonObject config = JsonNode.Parse(File.ReadAllBytes(System.IO.Path.Combine(from, "config.json")))!.AsObject();
        change(config);
        _folder.Write("config.json", config.ToJsonString());
        File.Copy(System.IO.Path.Combine(from, "model.safetensors"), _folder["model.safetensors"]);
    }

    public string Path => _folder.Path;

    public void Dispose() => _folder.Dispose();
}
