using System.Collections.Immutable;
using System.Globalization;
using Fairlead.Api;
using Fairlead.Domain.Money;
using Fairlead.Fleet.Workers;
using Fairlead.Gateway.Settings;
using Fairlead.Worker;

namespace Fairlead.Configuration;

/// <summary>Reads one entry of <c>local:</c>. What can be seen from outside (a path that is not there, weights that are never opened, a program that is
/// not installed) stops the start; what only the engine can tell is told by the model's first load.</summary>
internal sealed class LocalModelReader
{
    /// <summary>Where an entry that <c>fairlead run</c> asked for comes from.</summary>
    public const string CommandLine = "the command line";

    private readonly string _path;
    private readonly Mapping _section;
    private readonly Func<string, string?> _environment;
    private readonly List<ConfigurationError> _errors;
    private readonly List<string> _warnings;

    private LocalModelReader(string name, Mapping section, Func<string, string?> environment, List<ConfigurationError> errors, List<string> warnings)
    {
        _path = $"local.{name}";
        _section = section;
        _environment = environment;
        _errors = errors;
        _warnings = warnings;
    }

    /// <summary>The entry; null with errors.</summary>
    public static LocalModelSettings? Read(string name, Mapping section, Func<string, string?> environment, List<ConfigurationError> errors, List<string> warnings) =>
        new LocalModelReader(name, section, environment, errors, warnings).Read(name);

    /// <summary>Reads what <c>fairlead run</c> asks a running server for, by the rules of the configuration; what is wrong with it in place of the entry.</summary>
    public static (LocalModelSettings? Model, string? Wrong) Read(RunRequest request, Func<string, string?> environment)
    {
        var errors = new List<ConfigurationError>();
        Mapping section = Section(request);
        ShapeCheck.Check(section, Shape.LocalModel, $"local.{request.Name}", errors);
        LocalModelSettings? model = Read(request.Name, section, environment, errors, []);
        return errors.Count == 0 ? (model, null) : (null, string.Join(" ", errors.Select(static e => e.Message).Distinct(StringComparer.Ordinal)));
    }

    /// <summary>The entry that stands for it among those of the file.</summary>
    public static Mapping Section(RunRequest request)
    {
        var section = new Mapping([], CommandLine, 0);
        Add("source", request.Source);
        Add("context", request.Context?.ToString(CultureInfo.InvariantCulture));
        Add("slots", request.Slots?.ToString(CultureInfo.InvariantCulture));
        Add("threads", request.Threads?.ToString(CultureInfo.InvariantCulture));
        Add("keep", request.Keep);
        Add("quantize", request.Quantize);
        Add("kv", request.Kv);
        Add("stall", request.Stall);
        Add("draft", request.Draft);
        Add("guesses", request.Guesses?.ToString(CultureInfo.InvariantCulture));
        return section;

        void Add(string key, string? value)
        {
            if (value is not null)
                section.Items[key] = new Scalar(value, CommandLine, 0);
        }
    }

    private LocalModelSettings? Read(string name)
    {
        int before = _errors.Count;
        if (!SettingsReader.IsName(name))
            Note("", $"{_path}: a model's name has letters, digits, '.', '_' and '-' only, at most 64. Callers write local/NAME.");
        string? engine = Text("engine");
        bool ours = _section["engine"] is null && _section["command"] is null;
        ImmutableArray<string> command = (_section["command"] as Sequence)?.Items.Select(static i => i.Text).ToImmutableArray() ?? [];
        string? source = Source(engine, ours);
        if (!ours)
            CheckEngine(engine, command, source ?? "/");
        if (Text("model") is { } id && !IsHubId(id))
            Note("model", $"{_path}.model is '{Shown(id)}'; a Hub id such as Qwen/Qwen3-14B is expected.");
        bool? embeds = source is null ? null : ours ? ModelKind.IsEncoder(source) : LocalEngines.IsEncoder(engine);
        string? draft = ours ? Draft(source, embeds == true) : null;
        if (source is null || _errors.Count > before)
            return null;
        var otherwise = new LocalModelSettings(name, source, Number("context"), Number("slots"), Number("threads"), embeds);
        if (ours && otherwise.Embeddings == true)
        {
            WarnOfNoEffect("kv", "an encoder keeps no keys and values");
            WarnOfNoEffect("stall", "an encoder writes no answers");
        }
        return otherwise with
        {
            Keep = Text("keep") is not { } keep ? otherwise.Keep : Quantities.TryDuration(keep, out TimeSpan span) ? span : null,
            Memory = Text("memory") is { } memory && Quantities.TrySize(memory, out long bytes) ? bytes : null,
            HubId = Text("model"),
            Quantize = Text("quantize"),
            Kv = Text("kv"),
            Stall = Text("stall") is { } stall && Quantities.TryDuration(stall, out TimeSpan longest) ? longest : null,
            Draft = draft,
            Guesses = ours ? Guesses : null,
            HourlyPrice = Text("price") is { } price && Quantities.TryHourlyPrice(price, out NanoDollars perHour) ? perHour : default,
            Engine = engine,
            Command = command,
        };
    }

    /// <summary>The source as its engine gets it; null with an error.</summary>
    private string? Source(string? engine, bool ours)
    {
        string key = _section["source"] is null && _section["path"] is not null ? "path" : "source";
        if (_section["source"] is not null && _section["path"] is { } former)
            Note("path", $"{_path}.path is the former name of source, and both are there. Keep source.");
        else if (key == "path" && _section["path"]!.Line > 0)
            _warnings.Add($"{_section["path"]!.Source} line {_section["path"]!.Line}: {_path}.path is called source now. Rename it.");
        if (Text(key) is not { Length: > 0 } text)
        {
            Note("", $"{_path} needs a source. Add 'source: /folder/of/the/model', or one of a .gguf file.");
            return null;
        }
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(SettingsReader.AtHome(text, _environment)));
        bool isPath = text[0] is '/' or '~' or '.';
        EngineSource takes = LocalEngines.Takes(engine);
        string? fault = (ours, takes) switch
        {
            (true, _) => ModelSource.Fault(full) is { } why ? $": {full} {why}" : null,
            (_, EngineSource.GgufFile) => !File.Exists(full) ? $": {full} is no file. {engine} takes a .gguf file; check the path." : ModelSource.Fault(full) is { } why ? $": {full} {why}" : null,
            (_, EngineSource.FolderOrHubId) when isPath => Directory.Exists(full) ? null : $": {full} is no folder. Check the path.",
            (_, EngineSource.FolderOrHubId) => IsHubId(text) ? null : $" is '{Shown(text)}'; an absolute path, or a Hub id such as Qwen/Qwen3-14B, is expected.",
            (_, EngineSource.OwnName) => IsWord(text) ? null : $" is '{Shown(text)}'; {engine}'s name of a model such as qwen3:14b is expected.",
            _ => null, // a command of the operator's own knows what its source is
        };
        if (fault is null)
            return ours || takes == EngineSource.GgufFile || (isPath && takes != EngineSource.OwnName) ? full : text;
        Note(key, $"{_path}.{key}{fault}");
        return null;
    }

    private int? Guesses => int.TryParse(Text("guesses"), NumberStyles.None, CultureInfo.InvariantCulture, out int guesses) ? guesses : null;

    /// <summary>The model that guesses ahead; null without one, or with an error.</summary>
    private string? Draft(string? source, bool embeds)
    {
        if (embeds && _section["guesses"] is not null)
            Note("guesses", $"{_path}.guesses: {source} is an encoder, which writes no text that could be guessed ahead. Leave guesses out.");
        if (_section["draft"] is null)
            return null;
        if (Text("draft") is not { Length: > 0 } text)
        {
            Note("draft", $"{_path}.draft is empty. Name the folder of a smaller model with the same vocabulary, or a .gguf file of one, or leave it out.");
            return null;
        }
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(SettingsReader.AtHome(text, _environment)));
        string? fault = embeds ? $": {source} is an encoder, which writes no text that a draft could guess. Leave the draft out."
            : full == source ? " is the model itself; a draft has to be smaller to save time. Name a smaller model with the same vocabulary, or leave it out."
            : ModelSource.Fault(full) is { } why ? $": {full} {why}"
            : ModelKind.IsEncoder(full) == true ? $": {full} is an encoder, which writes no text. Name a smaller model with the same vocabulary, or leave it out."
            : Guesses == 0 ? " has nothing to do: guesses is 0. Let some tokens be guessed, or leave the draft out."
            : null;
        if (fault is null)
            return full;
        Note("draft", $"{_path}.draft{fault}");
        return null;
    }

    private void CheckEngine(string? word, ImmutableArray<string> command, string source)
    {
        if (_section["command"] is Sequence && command.IsEmpty)
            Note("command", $"{_path}.command is empty; a program and its arguments are expected, as [llama-server, -m, \"{{source}}\", --port, \"{{port}}\"].");
        if (EngineRecipes.For(word ?? "command", command, null) is not { } engine)
            return; // an engine that is not known: the shape has said so
        string program = engine.Line[0][0];
        if (program.Length > 0 && EngineProgram.Fault(program, _environment("PATH")) is { } missing)
            Note(command.IsEmpty ? "engine" : "command", command.IsEmpty ? $"{_path}.engine is {word}, and its program '{program}' {missing}" : $"{_path}.command: '{Shown(program)}' {missing}");
        if (engine.Refuse(new WorkerSpec { Model = _path, Source = source, Context = Number("context"), Threads = Number("threads") }) is { } wrong)
            Note(command.IsEmpty ? "engine" : "command", $"{_path}{(command.IsEmpty ? "" : ".command")}: {wrong}.");
        if (!engine.Line.SelectMany(static group => group).Any(static argument => argument.Contains("{threads}", StringComparison.Ordinal)))
            WarnOfNoEffect("threads", command.IsEmpty ? $"{word} is not told" : "command does not hold {threads}");
        WarnOfNoEffect("quantize", "only Fairlead's own engine quantises weights while it loads them");
        WarnOfNoEffect("kv", "only Fairlead's own engine is told in what form to keep keys and values");
        WarnOfNoEffect("stall", "only Fairlead's own engine is told how long a step may be");
        WarnOfNoEffect("draft", "only Fairlead's own engine is told what guesses ahead");
        WarnOfNoEffect("guesses", "only Fairlead's own engine is told how many tokens to guess ahead");
        if (Text("memory") is null && LocalEngines.Takes(word) != EngineSource.GgufFile)
            Note("", $"{_path} needs a memory: its engine does not say what it takes, and a budget without it would be a guess. Add 'memory: 9GiB', as much as it may get.");
    }

    /// <summary>Says of a key that is there that it does nothing here, and why.</summary>
    private void WarnOfNoEffect(string key, string why)
    {
        if (_section[key] is { } at)
            _warnings.Add(new ConfigurationError(at.Source, at.Line, $"{_path}.{key} has no effect: {why}.").ToString());
    }

    /// <summary>Something is wrong with the value of a key, or, where it is empty, with the whole entry.</summary>
    private void Note(string key, string message)
    {
        Node at = _section[key] ?? _section;
        _errors.Add(new ConfigurationError(at.Source, at.Line, message));
    }

    private static bool IsHubId(string text) =>
        text.Split('/') is [var owner, var name] && IsWord(owner) && IsWord(name) && !SettingsReader.IsOurs(owner);

    private static bool IsWord(string text) => text.Length is > 0 and <= 200 && char.IsAsciiLetterOrDigit(text[0]) && text.All(static c => c is > ' ' and <= '~');

    private static string Shown(string text) => text.Length <= 60 ? text : text[..60] + "…";

    private string? Text(string key) => (_section[key] as Scalar)?.Text;

    private int? Number(string key) => Text(key) is { } text && Quantities.TryTokens(text, out long number) && number <= int.MaxValue ? (int)number : null;
}
