using Fairlead.Gateway.Settings;
using Fairlead.Worker;

namespace Fairlead.Configuration;

/// <summary>Reads one entry of <c>local:</c>. What can be seen from outside (a path that is not there, weights that are never opened) stops the start; what
/// only the engine can tell is told by the model's first load.</summary>
internal static class LocalModelReader
{
    /// <summary>Forms of weights that are programs: loading one runs it.</summary>
    private static readonly string[] Pickles = [".bin", ".pt", ".pth", ".pkl", ".ckpt"];

    public static LocalModelSettings? Read(string name, Mapping section, Func<string, string?> environment, List<ConfigurationError> errors)
    {
        string path = $"local.{name}";
        if (!SettingsReader.IsName(name))
        {
            errors.Add(new ConfigurationError(section.Source, section.Line, $"{path}: a model's name has letters, digits, '.', '_' and '-' only. Callers write local/NAME."));
            return null;
        }
        if ((section["path"] as Scalar)?.Text is not { Length: > 0 } text)
        {
            errors.Add(new ConfigurationError(section.Source, section.Line, $"{path} needs a path. Add 'path: /folder/of/the/model', or one of a .gguf file."));
            return null;
        }
        string full = Path.GetFullPath(SettingsReader.AtHome(text, environment));
        if (Fault(full) is { } fault)
        {
            errors.Add(new ConfigurationError(section["path"]!.Source, section["path"]!.Line, $"{path}.path: {full} {fault}"));
            return null;
        }
        return new LocalModelSettings(name, full, Number(section, "context"), Number(section, "slots"), Number(section, "threads"), ModelKind.IsEncoder(full));
    }

    /// <summary>What speaks against a path as a model; null when nothing does that can be seen from outside.</summary>
    private static string? Fault(string path)
    {
        try
        {
            if (File.Exists(path))
            {
                return path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)
                    ? null
                    : Pickles.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase)
                        ? "is a pickle, which is a program and is never opened. Use the model's safetensors or a .gguf file."
                        : "is a file and no .gguf. Name a .gguf file, or the folder in which config.json and the weights lie.";
            }
            if (!Directory.Exists(path))
                return "does not exist. Check the path.";
            string[] names = [.. Directory.EnumerateFiles(path).Select(static file => Path.GetFileName(file))];
            if (names.Any(static n => n.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) || n.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)))
                return null;
            return names.Any(static n => Pickles.Contains(Path.GetExtension(n), StringComparer.OrdinalIgnoreCase))
                ? "holds only pickles, which are programs and are never opened. Get the model's safetensors, or a .gguf file of it."
                : "holds no weights: no *.safetensors and no *.gguf. Check the path, and whether the download is whole.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"cannot be read ({e.Message}). Check its owner.";
        }
    }

    private static int? Number(Mapping section, string key) =>
        (section[key] as Scalar)?.Text is { } text && Quantities.TryTokens(text, out long number) && number <= int.MaxValue ? (int)number : null;
}
