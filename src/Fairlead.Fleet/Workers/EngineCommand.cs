using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Fairlead.Domain.Fleet;

namespace Fairlead.Fleet.Workers;

/// <summary>How another's engine is started, and how it is spoken to: the contract of a worker for a program that knows nothing of us.</summary>
/// <remarks>
/// Arguments hold placeholders: <c>{source}</c> <c>{name}</c> <c>{port}</c> <c>{socket}</c> <c>{context}</c> <c>{slots}</c> <c>{threads}</c>, and
/// <c>{cells}</c> for context × slots. Each is replaced once, inside the argument in which it stands: whatever a value holds, it is never an argument of its
/// own, and never read again. Two commands are equal when they say the same.
/// </remarks>
public sealed record EngineCommand
{
    /// <summary>The engine's word, e.g. <c>llama-server</c>.</summary>
    public required string Engine { get; init; }

    /// <summary>The program, then its arguments, in groups: a group that holds a placeholder without value is left out whole, as an option is with its value.</summary>
    public required ImmutableArray<ImmutableArray<string>> Line { get; init; }

    /// <summary>Variables that it is given beside those that every worker inherits; placeholders are replaced in them too, and one without value is left out.</summary>
    public ImmutableArray<KeyValuePair<string, string>> Environment { get; init; } = [];

    /// <summary>Path that answers 2xx when the model is loaded, or when the engine can be told to load it.</summary>
    public string ReadyPath { get; init; } = "/health";

    /// <summary>What is posted once after <see cref="ReadyPath"/> has answered, and whose 2xx means that the model is loaded; null where starting is loading.</summary>
    public EngineLoadCall? LoadCall { get; init; }

    /// <summary>Where its OpenAI dialect begins.</summary>
    public string BasePath { get; init; } = "/v1";

    /// <summary>What requests have to call the model; placeholders are replaced. Null: it does not care.</summary>
    public string? ModelName { get; init; } = "{name}";

    /// <summary>Bytes of memory that it needs, where the configuration says so; null: the size of its files and <see cref="Allowance"/>.</summary>
    public long? Memory { get; init; }

    /// <summary>What is assumed beside the files for an engine whose need nobody states: 1 GiB for its libraries, its cache of keys and values at a modest
    /// context, and scratch. A guess, so it bounds nothing; what it really occupies is learned.</summary>
    public const long Allowance = 1L << 30;

    /// <summary>True when it answers on a Unix socket, false when on a loopback port.</summary>
    public bool UsesSocket => Mentions("{socket}");

    /// <summary>Why this cannot be started for a model; null when it can. Asked when the configuration is read, so that a mistake stops the start.</summary>
    public string? Refuse(WorkerSpec spec)
    {
        if (Line.IsDefaultOrEmpty || Line[0].IsDefaultOrEmpty)
            return "the engine's command is empty: it has to begin with a program";
        if (UsesSocket == Mentions("{port}"))
            return "the engine's command has to say {socket} or {port}, one of the two: it is where the engine shall listen";
        bool first = true;
        foreach (string argument in Line.SelectMany(static group => group))
        {
            if (EscapeRules.RefuseArgument(argument, first) is { } wrong)
                return wrong;
            if (UnknownPlaceholder(argument) is { } unknown)
                return $"the engine's command holds {unknown}, which stands for nothing; there are {{source}} {{name}} {{port}} {{socket}} {{context}} {{slots}} {{threads}} {{cells}}";
            first = false;
        }
        return EscapeRules.RefuseName(spec.Model) ?? EscapeRules.RefuseSource(spec.Source) ?? Dangling(spec);
    }

    /// <summary>The program and its arguments for one model.</summary>
    /// <param name="spec">One that <see cref="Refuse"/> has nothing against.</param>
    /// <param name="socket">Path of the socket.</param>
    /// <param name="port">The loopback port.</param>
    public ImmutableArray<string> LineFor(WorkerSpec spec, string socket, int port)
    {
        var line = ImmutableArray.CreateBuilder<string>();
        foreach (ImmutableArray<string> group in Line)
        {
            List<string?> filled = [.. group.Select(argument => Fill(argument, spec, socket, port))];
            if (!filled.Contains(null))
                line.AddRange(filled!);
        }
        return line.ToImmutable();
    }

    /// <summary>Its variables for one model.</summary>
    public IEnumerable<KeyValuePair<string, string>> EnvironmentFor(WorkerSpec spec, string socket, int port)
    {
        foreach ((string name, string value) in Environment)
        {
            if (Fill(value, spec, socket, port) is { } filled)
                yield return new(name, filled);
        }
    }

    /// <summary>Where it answers.</summary>
    public WorkerAddress AddressFor(WorkerSpec spec, string socket, int port) => new(
        new Uri(UsesSocket ? $"http://worker{BasePath}" : string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}{BasePath}")),
        UsesSocket ? socket : null,
        ModelName is null ? null : Fill(ModelName, spec, socket, port));

    /// <summary>What is known of it before it has loaded: an engine has no way to say what it needs.</summary>
    internal WorkerFacts FactsFor(WorkerSpec spec)
    {
        long files = ModelFiles.Bytes(spec.Source);
        return new WorkerFacts(new MemoryNeed(Memory ?? files, 0, Memory is null ? Allowance : 0), "unknown", spec.Context, spec.Slots, null, files);
    }

    public bool Equals(EngineCommand? other) => other is not null && Spelled() == other.Spelled();

    public override int GetHashCode() => Spelled().GetHashCode(StringComparison.Ordinal);

    /// <summary>The text with every placeholder replaced, from left to right and once; null when one of them has no value.</summary>
    internal static string? Fill(string text, WorkerSpec spec, string socket, int port)
    {
        var filled = new StringBuilder(text.Length);
        for (int at = 0; at < text.Length;)
        {
            if (PlaceholderAt(text, at) is { } placeholder)
            {
                if (Value(placeholder, spec, socket, port) is not { } value)
                    return null;
                filled.Append(value);
                at += placeholder.Length;
            }
            else
            {
                filled.Append(text[at++]);
            }
        }
        return filled.ToString();
    }

    private static readonly ImmutableArray<string> Placeholders = ["{source}", "{name}", "{port}", "{socket}", "{context}", "{slots}", "{threads}", "{cells}"];

    private static string? PlaceholderAt(string text, int at) => Placeholders.FirstOrDefault(p => string.CompareOrdinal(text, at, p, 0, p.Length) == 0);

    private static string? Value(string placeholder, WorkerSpec spec, string socket, int port) => placeholder switch
    {
        "{source}" => spec.Source,
        "{name}" => spec.Model,
        "{port}" => port.ToString(CultureInfo.InvariantCulture),
        "{socket}" => socket,
        "{context}" => spec.Context?.ToString(CultureInfo.InvariantCulture),
        "{cells}" => spec.Context is { } context ? ((long)context * spec.Slots).ToString(CultureInfo.InvariantCulture) : null,
        "{slots}" => spec.Slots.ToString(CultureInfo.InvariantCulture),
        _ => spec.Threads?.ToString(CultureInfo.InvariantCulture),
    };

    // Braces are common in arguments (JSON, templates): only a lone word in them is taken for a placeholder, and so for a misspelt one.
    private static string? UnknownPlaceholder(string argument)
    {
        for (int open = argument.IndexOf('{'); open >= 0; open = argument.IndexOf('{', open + 1))
        {
            int close = argument.IndexOf('}', open);
            if (close > open + 1 && argument.AsSpan(open + 1, close - open - 1).IndexOfAnyExceptInRange('a', 'z') < 0 && PlaceholderAt(argument, open) is null)
                return argument[open..(close + 1)];
        }
        return null;
    }

    /// <summary>An operator's own command is one group an argument: what would be left out there would leave its option behind.</summary>
    private string? Dangling(WorkerSpec spec)
    {
        foreach (ImmutableArray<string> group in Line)
        {
            if (group is [string only] && Fill(only, spec, "/", 0) is null)
                return $"the engine's command says {only}, and the model's {(only.Contains("{threads}", StringComparison.Ordinal) ? "threads" : "context")} is not configured";
        }
        return null;
    }

    private bool Mentions(string placeholder) =>
        !Line.IsDefault && (Line.Any(group => group.Any(argument => argument.Contains(placeholder, StringComparison.Ordinal)))
            || Environment.Any(variable => variable.Value.Contains(placeholder, StringComparison.Ordinal)));

    private string Spelled() => string.Join('\n',
        [Engine, ReadyPath, LoadCall?.Path, LoadCall?.Body, BasePath, ModelName, Memory?.ToString(CultureInfo.InvariantCulture),
            .. Line.SelectMany(static group => group.Prepend("\0")), .. Environment.Select(static v => $"{v.Key}\0{v.Value}")]);
}

/// <summary>A call that makes an engine load its model, and whose answer says that it has.</summary>
/// <param name="Path">Posted to.</param>
/// <param name="Body">JSON; <c>{source}</c> in it is replaced by a JSON text, quotes included.</param>
public sealed record EngineLoadCall(string Path, string Body)
{
    /// <summary>The body for one model: <c>{source}</c> as a JSON text.</summary>
    internal string BodyFor(WorkerSpec spec) => Body.Replace("{source}", $"\"{JsonEncodedText.Encode(spec.Source)}\"", StringComparison.Ordinal);
}
