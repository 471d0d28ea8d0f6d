using System.Text;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Names of top-level members that every request repeats; found without making a string of them again.</summary>
internal static class KnownMembers
{
    private static readonly (byte[] Utf8, string Name)[] Names =
    [
        .. new[]
        {
            "model", "messages", "stream", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stream_options", "tools", "tool_choice",
            "response_format", "seed", "stop", "n", "prompt", "input", "encoding_format", "dimensions", "user", "frequency_penalty", "presence_penalty",
            "logprobs", "top_logprobs", "logit_bias", "reasoning_effort", "parallel_tool_calls", "models", "provider", "store", "metadata", "best_of",
            "functions", "echo", "suffix", "top_k", "min_p",
        }.Select(static name => (Encoding.UTF8.GetBytes(name), name)),
    ];

    /// <summary>The known name that <paramref name="name"/> is but for the case of its letters; null when there is none.</summary>
    /// <remarks>Some providers' JSON readers do not tell case apart (Go's <c>encoding/json</c>, which also takes ſ for s and K for k),
    /// so <c>"Model"</c> beside <c>"model"</c> is a duplicate to them.</remarks>
    public static string? DifferingInCase(string name)
    {
        string plain = name.Replace('\u017F', 's').Replace('\u212A', 'k');
        foreach ((_, string known) in Names)
        {
            if (known.Equals(plain, StringComparison.OrdinalIgnoreCase) && known != name)
                return known;
        }
        return null;
    }

    public static string Intern(ReadOnlySpan<byte> raw, bool escaped)
    {
        if (escaped)
            return JsonText.Unescape(raw, escaped: true);
        foreach ((byte[] utf8, string name) in Names)
        {
            if (raw.SequenceEqual(utf8))
                return name;
        }
        return Encoding.UTF8.GetString(raw);
    }
}
