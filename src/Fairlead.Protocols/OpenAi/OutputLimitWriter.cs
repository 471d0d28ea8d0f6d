using System.Buffers;
using System.Globalization;
using System.Text;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Writes <c>max_tokens</c> and <c>max_completion_tokens</c>, which mean the same and of which providers know one or both.</summary>
/// <remarks>Where a caller sends both, the smaller has been reserved for, and so the smaller goes out under every name:
/// a provider that knows only the larger one would spend more than was held.</remarks>
internal static class OutputLimitWriter
{
    private const string Old = "max_tokens";
    private const string New = "max_completion_tokens";

    /// <summary>The other name of the two goes out instead.</summary>
    public static bool IsDropped(string name, ScannedRequest request, RequestQuirks quirks) =>
        name is Old or New && Only(quirks) is { } only && name != only && request.Has(only);

    /// <summary>Writes the whole member, name included; false when it goes through as it came.</summary>
    public static bool TryWrite(string name, ReadOnlySpan<byte> value, ScannedRequest request, RequestQuirks quirks, IBufferWriter<byte> output)
    {
        if (Only(quirks) is { } only && name != only)
        {
            QuirkWriter.Renamed(only, value, output);
            return true;
        }
        bool both = request.Has(Old) && request.Has(New);
        if (!both || request.Request.MaxOutputTokens is not { } limit || (JsonText.TryWhole(value, out long own) && own == limit))
            return false;
        QuirkWriter.Renamed(name, Encoding.ASCII.GetBytes(limit.ToString(CultureInfo.InvariantCulture)), output);
        return true;
    }

    private static string? Only(RequestQuirks quirks) =>
        quirks.Has(RequestQuirks.MaxTokensAsMaxCompletionTokens) ? New : quirks.Has(RequestQuirks.MaxCompletionTokensAsMaxTokens) ? Old : null;
}
