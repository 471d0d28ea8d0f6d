namespace Fairlead.Protocols.Translation;

/// <summary>Anthropic's words for why an answer ended, from OpenAI's.</summary>
internal static class StopReasons
{
    public const string Refusal = "refusal";

    /// <summary>Which stop sequence it was, OpenAI's dialect never says: that is an end of turn like any other.</summary>
    /// <param name="finish">One of OpenAI's own words; null for an answer that was not told why it ended.</param>
    /// <param name="refused">The model said that it refuses, for which OpenAI has a text and no reason to finish.</param>
    public static string From(string? finish, bool refused) => finish switch
    {
        "length" => "max_tokens",
        "tool_calls" => "tool_use",
        "content_filter" => Refusal,
        _ => refused ? Refusal : "end_turn",
    };
}
