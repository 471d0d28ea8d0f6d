namespace Fairlead.Protocols.OpenAi;

/// <summary>OpenAI's words for why an answer ended, from everybody else's.</summary>
internal static class FinishReasons
{
    /// <summary>The normal word; null for one that names a fault, not an end. An end we have no word for is still an end.</summary>
    public static string? Normal(string word) => Lookup(word, out string? normal) ? normal : "stop";

    /// <summary>The list has the word.</summary>
    public static bool IsKnown(string word) => Lookup(word, out _);

    private static bool Lookup(string word, out string? normal)
    {
        normal = word switch
        {
            "stop" or "eos" or "eos_token" or "end_turn" or "stop_sequence" or "COMPLETE" or "STOP_SEQUENCE" or "STOP" or "done" or "pause_turn" => "stop",
            "length" or "max_tokens" or "MAX_TOKENS" or "model_length" or "limit" or "model_context_window_exceeded" => "length",
            "tool_calls" or "tool_use" or "TOOL_CALL" or "function_call" => "tool_calls",
            "content_filter" or "SAFETY" or "PROHIBITED_CONTENT" or "BLOCKLIST" or "SPII" or "IMAGE_SAFETY" or "RECITATION" or "refusal" or "sensitive" => "content_filter",
            _ => null,
        };
        return normal is not null
            || word is "error" or "ERROR" or "TIMEOUT" or "network_error" or "insufficient_system_resource" or "MALFORMED_FUNCTION_CALL";
    }
}
