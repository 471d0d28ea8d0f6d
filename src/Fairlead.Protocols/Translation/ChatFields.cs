using System.Text;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Json;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Translation;

/// <summary>Which fields of a chat no other dialect can say, and which are dropped where it is translated: noted while the request is scanned.</summary>
/// <remarks>What changes what an answer is (more choices, sound, log probabilities, a search) keeps the request with its own dialect; what only tunes it is dropped and named.
/// Messages, tools and the response format are judged where they are read.</remarks>
internal struct ChatFields
{
    private FieldNames? _bound;
    private FieldNames? _lost;

    /// <summary>Names that keep the request with its own dialect; null when there is none.</summary>
    public readonly string? BoundNames => _bound?.Joined;

    /// <summary>Names that are dropped; null when there is none.</summary>
    public readonly string? LostNames => _lost?.Joined;

    public void Bind(string name) => (_bound ??= new FieldNames()).Add(name);

    public void Lose(string name) => (_lost ??= new FieldNames()).Add(name);

    /// <summary>Loses a field whose name the caller has chosen.</summary>
    /// <param name="within">Where it stands; empty at the top.</param>
    /// <param name="name">Its name, unescaped.</param>
    public void LoseForeign(string within, string name) => (_lost ??= new FieldNames()).Add(within, Encoding.UTF8.GetBytes(name));

    /// <summary>Judges a top-level member.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">Its value, without white space around it; not null.</param>
    public void Judge(string name, ReadOnlySpan<byte> value)
    {
        switch (name)
        {
            case "model" or "messages" or "stream" or "stream_options" or "max_tokens" or "max_completion_tokens" or "temperature" or "top_p" or "tools" or "functions"
                or "response_format" or "stop" or "parallel_tool_calls" or "reasoning_effort" or "models" or "provider" or "top_k" or "prompt_cache_key":
                break;
            case "n":
                BindIf(!IsNumber(value, 1), name);
                break;
            case "logprobs":
                BindIf(value.SequenceEqual("true"u8), name);
                break;
            case "top_logprobs":
                BindIf(!IsNumber(value, 0), name);
                break;
            case "audio" or "web_search_options":
                Bind(name);
                break;
            case "modalities":
                BindIf(!IsTextAlone(value), name);
                break;
            case "moderation":
                // What is to block an answer must not be dropped; anything else that it asks for is a note in the answer.
                if (value.IndexOf("\"block\""u8) >= 0 || value.Contains((byte)'\\'))
                    Bind(name);
                else
                    Lose(name);
                break;
            case "tool_choice" or "function_call":
                BindIf(ChatToolChoice.Read(value).Mode == ToolChoiceMode.Other, name);
                break;
            case "frequency_penalty" or "presence_penalty" or "min_p":
                LoseIf(!IsNumber(value, 0), name);
                break;
            case "logit_bias" or "metadata":
                LoseIf(!IsEmpty(value), name);
                break;
            case "store":
                LoseIf(!value.SequenceEqual("false"u8), name);
                break;
            case "service_tier":
                LoseIf(!value.SequenceEqual("\"auto\""u8) && !value.SequenceEqual("\"default\""u8), name);
                break;
            case "user" or "safety_identifier":
                LoseIf(!EndUser.IsFit(value), name);
                break;
            case "prompt_cache_options" or "cache_control":
                LoseIf(value[0] != (byte)'{', name);
                break;
            case "prompt_cache_retention":
                LoseIf(value[0] != (byte)'"', name);
                break;
            default:
                LoseForeign("", name);
                break;
        }
    }

    private void BindIf(bool bound, string name)
    {
        if (bound)
            Bind(name);
    }

    private void LoseIf(bool lost, string name)
    {
        if (lost)
            Lose(name);
    }

    private static bool IsNumber(ReadOnlySpan<byte> value, double number) => JsonText.TryReal(value, out double real) && real == number;

    private static bool IsEmpty(ReadOnlySpan<byte> value) => value[0] is (byte)'{' or (byte)'[' && value[1..^1].Trim(" \t\r\n"u8).IsEmpty;

    private static bool IsTextAlone(ReadOnlySpan<byte> value)
    {
        var cursor = new JsonCursor(value, JsonBounds.Scanned);
        if (cursor.Peek() != JsonKind.Array)
            return false;
        cursor.Enter();
        bool first = true;
        while (cursor.NextElement(ref first))
        {
            if (cursor.Peek() != JsonKind.String || !cursor.ReadString(out ReadOnlySpan<byte> raw, out bool escaped) || !JsonText.Is(raw, escaped, "text"u8))
                return false;
        }
        return true;
    }
}
