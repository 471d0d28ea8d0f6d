using System.Globalization;
using Fairlead.Engine.Tensors;

namespace Fairlead.Bench;

/// <summary>What bench/engine.sh runs: everything, or what its environment narrows it to, or the same in small.</summary>
internal sealed class EngineSettings
{
    private static readonly LlamaShape s_half = new("0.5 B", 1280, 24, 20, 5, 3584);

    /// <summary>ENGINE_SMOKE: one round of a tiny model, for a test that the tables come out.</summary>
    public bool IsSmoke { get; } = Setting("ENGINE_SMOKE", "") == "1";

    /// <summary>ENGINE_ROUNDS: times that each takes its turn.</summary>
    public int Rounds => IsSmoke ? 1 : int.Parse(Setting("ENGINE_ROUNDS", "3"), CultureInfo.InvariantCulture);

    /// <summary>ENGINE_THREADS: how many each engine has; a comparison for every number.</summary>
    public int[] Threads { get; } = [.. Setting("ENGINE_THREADS", Environment.ProcessorCount > 1 && Setting("ENGINE_SMOKE", "") != "1" ? "1,2" : "1").Split(',').Select(static word => int.Parse(word, CultureInfo.InvariantCulture))];

    /// <summary>ENGINE_ONLY: which tables.</summary>
    public string[] Only { get; } = Setting("ENGINE_ONLY", "compare,encoders,context,slots,size").Split(',');

    /// <summary>ENGINE_TYPES: which formats of weights are compared.</summary>
    public ElementType[] Types { get; } = [.. Setting("ENGINE_TYPES", "Q8_0,Q4_0,Q4_K").Split(',').Select(Enum.Parse<ElementType>)];

    /// <summary>What is compared, and grown in context and answers.</summary>
    public LlamaShape Shape => IsSmoke ? new LlamaShape("tiny", 256, 2, 4, 2, 512) : s_half;

    /// <summary>What the model grows through.</summary>
    public LlamaShape[] Sizes => IsSmoke
        ? [Shape]
        : [new("0.1 B", 768, 10, 12, 4, 2048), s_half, new("1.1 B", 2048, 22, 32, 4, 5632), new("3 B", 3072, 26, 48, 8, 8192)];

    /// <summary>What the encoders are compared with: a BERT of this shape with random weights.</summary>
    public EncoderShape Encoder => IsSmoke ? new EncoderShape(64, 2, 4, 128) : RandomEncoder.Base;

    /// <summary>Tokens of a text for encoders.</summary>
    public int TextLength => IsSmoke ? 32 : 128;

    /// <summary>Tokens of the prompt whose reading is measured.</summary>
    public int Prompt => IsSmoke ? 64 : 512;

    /// <summary>Tokens before the ones that are measured.</summary>
    public int[] Contexts => IsSmoke ? [64, 128] : [512, 2048, 8192];

    /// <summary>Answers at once.</summary>
    public int[] Slots => IsSmoke ? [1, 2] : [1, 2, 4, 8, 16, 32];

    /// <summary>Where models are kept from one run to the next.</summary>
    public string Cache { get; } = Directory.CreateDirectory(Path.Combine(Environment.GetEnvironmentVariable("XDG_CACHE_HOME") ?? Path.GetTempPath(), "fairlead-bench")).FullName;

    /// <summary>The model's file, made when it is not there; null, with a line that says why, where memory is too small for both engines to have it.</summary>
    public string? Model(LlamaShape shape, ElementType type)
    {
        long bytes = shape.Parameters * BlockLayout.Of(type).Bytes / BlockLayout.Of(type).Values;
        if (4 * bytes > GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)
        {
            Console.WriteLine(FormattableString.Invariant($"{shape.Name}, {type}: left out, it needs {4 * bytes / 1e9:F0} GB."));
            return null;
        }

        string file = Path.Combine(Cache, FormattableString.Invariant($"{shape.Parameters / 1_000_000}M-{type}.gguf"));
        if (!File.Exists(file))
            RandomGguf.Write(file, shape, type);
        return file;
    }

    private static string Setting(string name, string otherwise) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } given ? given : otherwise;
}
