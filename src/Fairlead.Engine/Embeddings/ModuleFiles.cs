using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Embeddings;

/// <summary>The folders of a sentence-transformers model, one a module.</summary>
internal static class ModuleFiles
{
    /// <summary><c>config.json</c> of a module's folder.</summary>
    /// <exception cref="ModelFileException">It is missing or refused.</exception>
    public static JsonConfig Config(FolderFiles files, string folder)
    {
        string name = $"{folder}/config.json";
        return Optional(files, name) ?? throw new ModelFileException(files.Shown(name), null, "is missing");
    }

    /// <summary>A JSON object by its path, or null where there is none.</summary>
    /// <exception cref="ModelFileException">It is refused.</exception>
    public static JsonConfig? Optional(FolderFiles files, string name) =>
        files.Read(name, JsonConfig.MaxBytes) is { } bytes ? JsonConfig.ParseAsIs(files.Shown(name), bytes) : null;
}
