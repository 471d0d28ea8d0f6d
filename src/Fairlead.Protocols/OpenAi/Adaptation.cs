using Fairlead.Protocols.Dialects;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Names the fields of a request that a provider gets otherwise than the caller wrote them, for <c>x-fairlead-adapted</c>.</summary>
public static class Adaptation
{
    /// <summary>Comma-separated field names; null when every field goes through as written. Our own fields and the model's id do not count.</summary>
    public static string? Of(ScannedRequest request, ReadOnlySpan<byte> body, RequestQuirks quirks)
    {
        if (quirks == RequestQuirks.None)
            return null;
        string? names = null;
        foreach (TopMember member in request.Members)
        {
            ReadOnlySpan<byte> value = body[member.Value];
            bool adapted = member.Name switch
            {
                "store" => quirks.Has(RequestQuirks.DropStore),
                "max_tokens" => quirks.Has(RequestQuirks.MaxTokensAsMaxCompletionTokens),
                "max_completion_tokens" => quirks.Has(RequestQuirks.MaxCompletionTokensAsMaxTokens),
                "seed" => quirks.Has(RequestQuirks.SeedAsRandomSeed),
                "tool_choice" => quirks.Has(RequestQuirks.RequiredAsAny) && value.SequenceEqual("\"required\""u8),
                "stop" => quirks.Has(RequestQuirks.StopAsString) && value.StartsWith("["u8),
                "reasoning_effort" => quirks.Has(RequestQuirks.ReasoningMinimalAsLow) && value.SequenceEqual("\"minimal\""u8),
                "encoding_format" => quirks.Has(RequestQuirks.FloatEmbeddingsOnly) && !value.SequenceEqual("\"float\""u8),
                "messages" => (quirks.Has(RequestQuirks.DeveloperAsSystem) && request.HasDeveloperRole) || (quirks.Has(RequestQuirks.NineCharToolCallIds) && request.HasToolCallIds),
                "response_format" => (quirks & (RequestQuirks.FlattenJsonSchema | RequestQuirks.JsonSchemaAsObjectSchema | RequestQuirks.JsonSchemaAsObjectValue | RequestQuirks.StrictFalse)) != 0
                    && (value.IndexOf("\"schema\""u8) >= 0 || value.IndexOf("\"value\""u8) >= 0),
                _ => false,
            };
            if (adapted)
                names = names is null ? member.Name : $"{names}, {member.Name}";
        }
        return names;
    }
}
