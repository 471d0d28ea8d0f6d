using System.CommandLine;
using Fairlead.Domain.Naming;
using Fairlead.Gateway.Settings;
using Fairlead.Worker;

namespace Fairlead.Verbs;

/// <summary>Options of the verbs that load a model.</summary>
internal static class LocalOptions
{
    public static Option<int?> Context { get; } = Number("--ctx", "Tokens of input and output together; the model's own by default.", 16, 16 << 20);

    public static Option<int?> Slots { get; } = Number("--slots", "Answers generated at once; 8 by default.", 1, 256);

    public static Option<int?> Threads { get; } = Number("--threads", "Threads that compute; as many as there are cores by default.", 1, 1024);

    public static Option<string?> Quantize { get; } = Word("--quantize", "Quantise F32, F16 or BF16 weights while they are loaded.", Quantizing.Words);

    public static Option<string?> Kv { get; } = Word("--kv", $"Form in which keys and values are kept; {KvForms.Default} by default.", KvForms.Words);

    public static Option<string?> Stall { get; } = Duration(
        "--stall", $"How long a running answer may wait for a step that also reads a prompt; {Quantities.Text(WorkerOptions.DefaultStall)} by default.", WorkerOptions.LeastStall, WorkerOptions.MostStall);

    public static Option<string?> Draft { get; } = new("--draft") { Description = "A smaller model with the same vocabulary that guesses how answers go on: a folder or a .gguf file." };

    public static Option<int?> Guesses { get; } = Number("--guesses", "Tokens guessed ahead at most, which changes no answer; 8 by default, 0 for none.", 0, 64);

    private static Option<string?> Word(string name, string description, IReadOnlyList<string> words)
    {
        var option = new Option<string?>(name) { Description = $"{description} One of {string.Join(", ", words)}." };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && !words.Contains(text, StringComparer.Ordinal))
                result.AddError($"{name} is '{text}'; one of {string.Join(", ", words)} is expected.{(Nearness.Nearest(words, text) is { } meant ? $" Did you mean '{meant}'?" : "")}");
        });
        return option;
    }

    private static Option<string?> Duration(string name, string description, TimeSpan least, TimeSpan most)
    {
        var option = new Option<string?>(name) { Description = description };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && !(Quantities.TryDuration(text, out TimeSpan duration) && duration >= least && duration <= most))
                result.AddError($"{name} is '{text}'; a duration from {Quantities.Text(least)} to {Quantities.Text(most)} is expected.");
        });
        return option;
    }

    private static Option<int?> Number(string name, string description, int least, int most)
    {
        var option = new Option<int?>(name) { Description = description };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && int.TryParse(text, out int number) && (number < least || number > most))
                result.AddError($"{name} is '{text}'; a number from {least} to {most} is expected.");
        });
        return option;
    }
}
