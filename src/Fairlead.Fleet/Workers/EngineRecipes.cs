using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Fairlead.Fleet.Workers;

/// <summary>How the engines that exist are started and spoken to. An operator's own command replaces a recipe's; what else is known of the engine stays.</summary>
/// <remarks>All of them listen for this machine alone. Where an engine can listen on a Unix socket it does: a loopback port is open to every user of the machine.</remarks>
public static class EngineRecipes
{
    private static readonly FrozenDictionary<string, EngineCommand> Known = new EngineCommand[]
    {
        // llama.cpp, tools/server/README.md. A host that ends with .sock is a Unix socket since ggml-org/llama.cpp#12613 (April 2025); an older one needs a command
        // with {port}. --ctx-size is for all slots together (#11681, #17767), hence {cells}; without --parallel it would share one cache and overflow it (#23652).
        // /health is 503 until the model is loaded.
        new()
        {
            Engine = "llama-server",
            Line = [["llama-server"], ["--model", "{source}"], ["--alias", "{name}"], ["--host", "{socket}"], ["--ctx-size", "{cells}"], ["--parallel", "{slots}"], ["--threads", "{threads}"]],
        },
        // docs.vllm.ai, "vLLM CLI Guide" (v0.31): --uds since vllm-project/vllm#18097 (2025); an older one needs a command with --host 127.0.0.1 and {port}. Its
        // /health answers once the engine is up. Usage statistics are sent unless they are switched off ("Usage Stats Collection").
        new()
        {
            Engine = "vllm",
            Line = [["vllm"], ["serve"], ["{source}"], ["--served-model-name", "{name}"], ["--uds", "{socket}"], ["--max-model-len", "{context}"], ["--max-num-seqs", "{slots}"]],
            Environment = [new("VLLM_NO_USAGE_STATS", "1")],
        },
        // huggingface.co/docs/text-generation-inference/reference/launcher: --hostname since huggingface/text-generation-inference#545 (2023). No socket for HTTP.
        // It does not ask what its model is called. Usage statistics: --usage-stats, which USAGE_STATS says too.
        new()
        {
            Engine = "tgi",
            Line =
            [
                ["text-generation-launcher"], ["--model-id", "{source}"], ["--hostname", "127.0.0.1"], ["--port", "{port}"], ["--max-total-tokens", "{context}"],
                ["--max-concurrent-requests", "{slots}"],
            ],
            Environment = [new("USAGE_STATS", "off")],
        },
        // huggingface.co/docs/text-embeddings-inference/cli_arguments. No socket for HTTP. Of a context it knows nothing but its model's own.
        new()
        {
            Engine = "tei",
            Line =
            [
                ["text-embeddings-router"], ["--model-id", "{source}"], ["--hostname", "127.0.0.1"], ["--port", "{port}"], ["--max-concurrent-requests", "{slots}"],
                ["--tokenization-workers", "{threads}"],
            ],
            ModelName = "{source}",
        },
        // docs.ollama.com/faq and envconfig/config.go: everything is said by variables; no Unix socket (ollama/ollama#739 is open). It starts without a model, so
        // the model is loaded by a call that generates nothing (docs.ollama.com/api), which fails where it was not pulled before: nothing is downloaded here.
        // A server of one's own beside the system's: it must not tidy up the files that the other is just fetching.
        new()
        {
            Engine = "ollama",
            Line = [["ollama"], ["serve"]],
            Environment =
            [
                new("OLLAMA_HOST", "127.0.0.1:{port}"), new("OLLAMA_NUM_PARALLEL", "{slots}"), new("OLLAMA_CONTEXT_LENGTH", "{context}"), new("OLLAMA_KEEP_ALIVE", "-1"),
                new("OLLAMA_MAX_LOADED_MODELS", "1"), new("OLLAMA_NOPRUNE", "1"),
            ],
            ReadyPath = "/api/version",
            LoadCall = new EngineLoadCall("/api/generate", """{"model":{source},"keep_alive":-1,"stream":false}"""),
            ModelName = "{source}",
        },
    }.ToFrozenDictionary(static engine => engine.Engine, StringComparer.Ordinal);

    /// <summary>The words of the engines that are known, sorted.</summary>
    public static ImmutableArray<string> Words { get; } = [.. Known.Keys.Order(StringComparer.Ordinal)];

    /// <summary>The command of an engine.</summary>
    /// <param name="word">A known word, or any other where there is a command.</param>
    /// <param name="command">The operator's own program and arguments; empty for the known ones.</param>
    /// <param name="memory">Bytes that the operator says it needs; null where they do not.</param>
    /// <returns>Null where the word is not known and there is no command.</returns>
    public static EngineCommand? For(string word, ImmutableArray<string> command, long? memory)
    {
        EngineCommand? known = Known.GetValueOrDefault(word);
        if (command.IsDefaultOrEmpty)
            return known is null ? null : known with { Memory = memory };
        return (known ?? new EngineCommand { Engine = word, Line = [] }) with { Line = [.. command.Select(static argument => ImmutableArray.Create(argument))], Environment = EnvironmentOf(known, command), Memory = memory };
    }

    // A command of one's own says itself where its engine listens; what a recipe says of that in a variable would be a second word on it.
    private static ImmutableArray<KeyValuePair<string, string>> EnvironmentOf(EngineCommand? known, ImmutableArray<string> command) =>
        known is null ? []
            : command.Any(static argument => argument.Contains("{port}", StringComparison.Ordinal) || argument.Contains("{socket}", StringComparison.Ordinal))
                ? [.. known.Environment.Where(static variable => !variable.Value.Contains("{port}", StringComparison.Ordinal) && !variable.Value.Contains("{socket}", StringComparison.Ordinal))]
                : known.Environment;
}
