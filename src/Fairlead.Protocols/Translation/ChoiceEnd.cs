using System.Text.Json.Nodes;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Translation;

/// <summary>Why a message ended, in a chat answer's words.</summary>
internal static class ChoiceEnd
{
    /// <summary>The members of a choice that tell its end: <c>finish_reason</c>, and beside it what OpenAI's words have no place for.</summary>
    /// <param name="reason">Anthropic's word.</param>
    /// <param name="hasCalls">The answer calls tools of the caller's.</param>
    /// <param name="stopSequence">The text that ended it; null when none did.</param>
    /// <param name="stopDetails">About a refusal; null when there are none.</param>
    /// <param name="refusal">The refusal's explanation; null when there is none.</param>
    public static JsonObject From(string reason, bool hasCalls, JsonNode? stopSequence, JsonObject? stopDetails, out string? refusal)
    {
        string word = FinishReasons.Normal(reason) ?? "stop";
        var end = new JsonObject
        {
            ["finish_reason"] = word switch
            {
                "stop" when hasCalls => "tool_calls",
                "tool_calls" when !hasCalls => "stop",
                _ => word,
            },
        };
        if (!FinishReasons.IsKnown(reason))
            end["native_finish_reason"] = reason;
        if (stopSequence.AsText() is { } text)
            end["stop_sequence"] = text;
        if (stopDetails is not null)
            end["stop_details"] = stopDetails.DeepClone();
        refusal = reason == "refusal" && stopDetails?["explanation"].AsText() is { Length: > 0 } explanation ? explanation : null;
        return end;
    }
}
