namespace Fairlead.Configuration;

/// <summary>An engine that is not ours, as the configuration knows it.</summary>
/// <param name="Word">As written.</param>
/// <param name="Program">What is started where no command is given.</param>
/// <param name="Takes">What its <c>source</c> may be.</param>
/// <param name="IsEncoder">True where it serves embeddings alone; null where that depends on the model.</param>
internal sealed record LocalEngine(string Word, string Program, EngineSource Takes, bool? IsEncoder = null);

/// <summary>What the <c>source</c> of an engine may be.</summary>
internal enum EngineSource
{
    /// <summary>A <c>.gguf</c> file.</summary>
    GgufFile,

    /// <summary>A folder, or the Hub id of a model that the engine finds or gets by itself.</summary>
    FolderOrHubId,

    /// <summary>The engine's own name of a model.</summary>
    OwnName,
}

/// <summary>The engines that can be named in the configuration; any other is a <c>command</c>.</summary>
internal static class LocalEngines
{
    public static IReadOnlyList<LocalEngine> All { get; } =
    [
        new("llama-server", "llama-server", EngineSource.GgufFile),
        new("vllm", "vllm", EngineSource.FolderOrHubId),
        new("tgi", "text-generation-launcher", EngineSource.FolderOrHubId),
        new("tei", "text-embeddings-router", EngineSource.FolderOrHubId, IsEncoder: true),
        new("ollama", "ollama", EngineSource.OwnName),
    ];

    public static IReadOnlyList<string> Words { get; } = [.. All.Select(static e => e.Word)];

    public static LocalEngine? Find(string? word) => All.FirstOrDefault(e => e.Word == word);
}
