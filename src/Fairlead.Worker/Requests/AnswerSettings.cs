using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Fairlead.Engine.Generation;

namespace Fairlead.Worker.Requests;

/// <summary>What chat and completions have in common: how tokens are chosen, when an answer ends, and how it is sent.</summary>
internal sealed record AnswerSettings
{
    public SamplingSettings Sampling { get; init; } = new();

    /// <summary>Most tokens of an answer; null when the caller set none.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>At least so many tokens.</summary>
    public int MinTokens { get; init; }

    public ImmutableArray<string> Stop { get; init; } = [];

    public ImmutableArray<int> EndTokens { get; init; } = [];

    public int Choices { get; init; } = 1;

    public bool Stream { get; init; }

    /// <summary>A stream ends with a chunk that holds the usage.</summary>
    public bool IncludeUsage { get; init; }

    /// <summary>Reads them; what is wrong is noted in <paramref name="fields"/>.</summary>
    /// <param name="fields">The request.</param>
    /// <param name="defaults">What the model's makers set where the caller sets nothing.</param>
    public static AnswerSettings Read(FieldReader fields, SamplingSettings defaults)
    {
        // top_k counts as unlimited at 0 and, where people come from vLLM, at -1.
        long? topK = fields.Whole("top_k", -1, int.MaxValue);
        long? maxTokens = Smaller(fields.Whole("max_tokens", 0, int.MaxValue), fields.Whole("max_completion_tokens", 0, int.MaxValue));
        bool stream = fields.Flag("stream") ?? false;
        bool usage = false;
        if (fields.Section("stream_options") is { } options)
        {
            usage = options.Flag("include_usage") ?? false;
            options.Flag("include_obfuscation"); // padding against listeners on the way; this way is a socket of this machine
        }
        return new AnswerSettings
        {
            Sampling = new SamplingSettings
            {
                Temperature = fields.Real("temperature", 0, 2) ?? defaults.Temperature,
                TopP = fields.Real("top_p", 0, 1) ?? defaults.TopP,
                TopK = topK is { } k ? (int)Math.Max(k, 0) : defaults.TopK,
                MinP = fields.Real("min_p", 0, 1) ?? defaults.MinP,
                RepetitionPenalty = fields.Real("repetition_penalty", 0.01, 100) ?? defaults.RepetitionPenalty,
                FrequencyPenalty = fields.Real("frequency_penalty", -2, 2) ?? defaults.FrequencyPenalty,
                PresencePenalty = fields.Real("presence_penalty", -2, 2) ?? defaults.PresencePenalty,
                LogitBias = Bias(fields),
                Seed = fields.Whole("seed", long.MinValue, long.MaxValue) is { } seed ? unchecked((ulong)seed) : null,
            },
            MaxTokens = (int?)maxTokens,
            MinTokens = (int)(fields.Whole("min_tokens", 0, int.MaxValue) ?? 0),
            Stop = Stops(fields),
            EndTokens = fields.Array("stop_token_ids") is { } ids ? Prompt.ReadIds(fields, "stop_token_ids", ids) : [],
            Choices = (int)(fields.Whole("n", 1, GenerationRequest.MostChoices) ?? 1),
            Stream = stream,
            IncludeUsage = usage,
        };
    }

    private static ImmutableArray<string> Stops(FieldReader fields)
    {
        if (fields.Any("stop") is not { } stop)
            return [];
        if (stop.ValueKind == JsonValueKind.String)
            return stop.GetString() is { Length: > 0 } one ? [one] : [];
        if (stop.ValueKind != JsonValueKind.Array || stop.EnumerateArray().Any(static s => s.ValueKind != JsonValueKind.String))
        {
            fields.Refuse("stop", "'stop' is neither a string nor an array of strings.");
            return [];
        }
        return [.. stop.EnumerateArray().Select(static s => s.GetString()!).Where(static s => s.Length > 0)];
    }

    private static ImmutableArray<(int Token, float Bias)> Bias(FieldReader fields)
    {
        if (fields.Object("logit_bias") is not { } bias)
            return [];
        var list = ImmutableArray.CreateBuilder<(int, float)>();
        foreach (JsonProperty one in bias.EnumerateObject())
        {
            if (int.TryParse(one.Name, NumberStyles.None, CultureInfo.InvariantCulture, out int token) && one.Value.ValueKind == JsonValueKind.Number
                && one.Value.TryGetSingle(out float amount) && amount is >= -100 and <= 100)
            {
                list.Add((token, amount));
                continue;
            }
            fields.Refuse("logit_bias", "'logit_bias' maps token ids to numbers from -100 to 100; this one does not.");
            break;
        }
        return list.ToImmutable();
    }

    private static long? Smaller(long? a, long? b) => a is null || b < a ? b ?? a : a;
}
