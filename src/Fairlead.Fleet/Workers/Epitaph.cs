using Fairlead.Fleet.Isolation;

namespace Fairlead.Fleet.Workers;

/// <summary>Why a worker ended, in one sentence with the last line of its log.</summary>
internal static class Epitaph
{
    /// <summary>Characters: it stands in answers to callers and in one line of a log.</summary>
    public const int Most = 240;

    /// <param name="exitCode">As the framework tells it.</param>
    /// <param name="starved">Whether the system ended it for want of memory.</param>
    /// <param name="bounds">What held for it.</param>
    /// <param name="lastLine">Of its log; null or empty: it wrote none.</param>
    public static string Of(int exitCode, bool starved, Sandbox bounds, string? lastLine)
    {
        string how = exitCode switch
        {
            _ when starved => $"was ended by the system for want of memory: limit {bounds.LimitText}",
            > 128 and var signal => $"was ended by signal {signal - 128}", // how the framework, and every shell, tells a signal
            var code => $"ended with code {code}",
        };
        if (bounds.Level == SandboxLevel.Rlimit && lastLine?.Contains("memory", StringComparison.OrdinalIgnoreCase) == true)
            how += $" (it may take {bounds.LimitText} of memory)";
        string text = lastLine is { Length: > 0 } last ? $"the worker {how}; its last line: {last.TrimEnd('.')}" : $"the worker {how} without a word";
        return text.Length <= Most ? text : string.Concat(text.AsSpan(0, Most - 1), "…");
    }
}
