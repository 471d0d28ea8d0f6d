namespace Fairlead.Gateway.Settings;

/// <summary>What can be seen from outside of a path that shall be a model of one's own.</summary>
public static class ModelSource
{
    /// <summary>Forms of weights that are programs: loading one runs it.</summary>
    private static readonly string[] Pickles = [".bin", ".pt", ".pth", ".pkl", ".ckpt"];

    /// <summary>What speaks against it, as the end of a sentence that begins with the path, with what to do; null when nothing does that can be seen
    /// without opening it. What only the engine can tell is told by the model's first load.</summary>
    public static string? Fault(string path)
    {
        try
        {
            if (File.Exists(path))
            {
                if (path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
                    return Unreadable(path);
                return IsPickle(path)
                    ? "is a pickle, which is a program and is never opened. Use the model's safetensors or a .gguf file."
                    : "is a file and no .gguf. Name a .gguf file, or the folder in which config.json and the weights lie.";
            }
            if (!Directory.Exists(path))
                return "does not exist. Check the path.";
            string[] files = [.. Directory.EnumerateFiles(path)];
            if (files.FirstOrDefault(static f => Has(f, ".safetensors") || Has(f, ".gguf")) is { } weights)
                return Unreadable(weights) is { } why ? $"holds {Path.GetFileName(weights)}, which {why}" : null;
            return files.Any(IsPickle)
                ? "holds only pickles, which are programs and are never opened. Get the model's safetensors, or a .gguf file of it."
                : "holds no weights: no *.safetensors and no *.gguf. Check the path, and whether the download is whole.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"cannot be read ({e.Message}). Check its owner.";
        }
    }

    private static string? Unreadable(string file)
    {
        try
        {
            File.OpenHandle(file).Dispose();
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"cannot be read ({e.Message}). Check its owner.";
        }
    }

    private static bool IsPickle(string file) => Pickles.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase);

    private static bool Has(string file, string ending) => file.EndsWith(ending, StringComparison.OrdinalIgnoreCase);
}
