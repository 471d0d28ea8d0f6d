namespace Fairlead.Protocols.OpenAi;

/// <summary>OpenAI's words for why an answer ended, from everybody else's.</summary>
internal static class FinishReasons
{
    /// <summary>The normal word; null for one that names a fault, not an end.</summary>
    public static string? Normal(string word) => word switch
    {
        "stop" or "eos" or "eos_token" or "end_turn" or "stop_sequence" or "COMPLETE" or "STOP_SEQUENCE" or "STOP" or "done" or "pause_turn" => "stop",
        "length" or "max_tokens" or "MAX_TOKENS" or "model_length" or "limit" or "model_context_window_exceeded" => "length",
        "tool_calls" or "tool_use" or "TOOL_CALL" or "function_call" => "tool_calls",
        "content_filter" or "SAFETY" or "PROHIBITED_CONTENT" or "BLOCKLIST" or "SPII" or "IMAGE_SAFETY" or "RECITATION" or "refusal" or "sensitive" => "content_filter",
        "error" or "ERROR" or "TIMEOUT" or "network_error" or "insufficient_system_resource" or "MALFORMED_FUNCTION_CALL" => null,
        _ => "stop", // an end we have no word for is still an end
    };
}
