using Fairlead.Fleet.Workers;

namespace Fairlead.Configuration;

/// <summary>What the <c>source</c> of an engine that is not ours may be.</summary>
internal enum EngineSource
{
    /// <summary>Whatever the operator's own command makes of it.</summary>
    Any,

    /// <summary>A <c>.gguf</c> file.</summary>
    GgufFile,

    /// <summary>A folder, or the Hub id of a model that the engine finds or gets by itself.</summary>
    FolderOrHubId,

    /// <summary>The engine's own name of a model.</summary>
    OwnName,
}

/// <summary>What the configuration has to know of an engine beside <see cref="EngineRecipes"/>, which starts it.</summary>
internal static class LocalEngines
{
    /// <param name="word">The engine's word; null for a command alone.</param>
    public static EngineSource Takes(string? word) => word switch
    {
        "llama-server" => EngineSource.GgufFile,
        "vllm" or "tgi" or "tei" => EngineSource.FolderOrHubId,
        "ollama" => EngineSource.OwnName,
        _ => EngineSource.Any,
    };

    /// <summary>True where it serves embeddings alone; null where that depends on the model.</summary>
    public static bool? IsEncoder(string? word) => word == "tei" ? true : null;
}
