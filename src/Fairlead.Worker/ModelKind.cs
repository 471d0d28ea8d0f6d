using Fairlead.Engine.Embeddings;
using Fairlead.Engine.Formats;

namespace Fairlead.Worker;

/// <summary>What a model is for, as far as its folder tells without loading it.</summary>
public static class ModelKind
{
    /// <summary>True for an encoder, which makes embeddings and writes no text; false for any other folder; null where only a load can tell.</summary>
    /// <remarks>A <c>.gguf</c> file is not opened here: the caller is the gateway, and nobody's weights are mapped in its process.</remarks>
    public static bool? IsEncoder(string path)
    {
        if (!File.Exists(Path.Combine(path, "config.json")) && !File.Exists(Path.Combine(path, "modules.json")))
            return null; // a file, or a folder around one
        try
        {
            return EmbeddingModel.IsEmbeddingModel(path);
        }
        catch (ModelFileException)
        {
            return null; // the load refuses it with the reason
        }
    }
}
