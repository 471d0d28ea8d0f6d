using System.CommandLine;
using Fairlead.Domain.Naming;
using Fairlead.Worker;

namespace Fairlead.Verbs;

/// <summary>Options of the verbs that load a model.</summary>
internal static class LocalOptions
{
    public static Option<int?> Context { get; } = Number("--ctx", "Tokens of input and output together; the model's own by default.", 16, 16 << 20);

    public static Option<int?> Slots { get; } = Number("--slots", "Answers generated at once; 8 by default.", 1, 256);

    public static Option<int?> Threads { get; } = Number("--threads", "Threads that compute; as many as there are cores by default.", 1, 1024);

    public static Option<string?> Quantize { get; } = Word("--quantize", "Quantise F32, F16 or BF16 weights while they are loaded.", Quantizing.Words);

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
