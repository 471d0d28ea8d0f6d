using System.Collections.Immutable;
using System.Text.Json;
using Fairlead.Engine.Chat;
using Fairlead.Engine.Generation;

namespace Fairlead.Worker.Answers;

/// <summary>One chunk of a streamed chat.</summary>
/// <param name="Head">Of the answer.</param>
/// <param name="Choice">From 0.</param>
/// <param name="Delta">What is added; null in a chunk that begins or ends a choice.</param>
/// <param name="Begins">The choice begins: its role is told.</param>
/// <param name="Finish">Why the choice ends; null while it goes on.</param>
/// <param name="Tokens">The tokens of the delta, where their log-probabilities are wanted.</param>
/// <param name="Spelling">How they are written; null where they are not wanted.</param>
internal readonly record struct ChatChunk(
    AnswerHead Head, int Choice, ChatEvent? Delta, bool Begins, string? Finish, ImmutableArray<AnswerToken> Tokens, TokenSpelling? Spelling)
{
    private const string Kind = "chat.completion.chunk";

    /// <summary>Writes the members of the event.</summary>
    public static void Write(Utf8JsonWriter json, ChatChunk chunk)
    {
        chunk.Head.Write(json, Kind);
        json.WriteStartArray("choices");
        json.WriteStartObject();
        json.WriteNumber("index", chunk.Choice);
        json.WriteStartObject("delta");
        if (chunk.Begins)
        {
            json.WriteString("role", "assistant");
            json.WriteString("content", "");
        }
        WriteDelta(json, chunk.Delta);
        json.WriteEndObject();
        if (chunk.Spelling is { } spelling && !chunk.Tokens.IsDefaultOrEmpty)
            spelling.WriteChat(json, chunk.Tokens);
        else
            json.WriteNull("logprobs");
        json.WriteString("finish_reason", chunk.Finish);
        json.WriteEndObject();
        json.WriteEndArray();
    }

    /// <summary>Writes the chunk that holds the usage and no choice.</summary>
    public static void WriteUsage(Utf8JsonWriter json, (AnswerHead Head, AnswerUsage Usage) end)
    {
        end.Head.Write(json, Kind);
        json.WriteStartArray("choices");
        json.WriteEndArray();
        end.Usage.Write(json);
    }

    private static void WriteDelta(Utf8JsonWriter json, ChatEvent? delta)
    {
        switch (delta)
        {
            case ChatEvent.Content content:
                json.WriteString("content", content.Text);
                break;
            case ChatEvent.Reasoning reasoning:
                json.WriteString("reasoning_content", reasoning.Text);
                break;
            case ChatEvent.CallStarted call:
                json.WriteStartArray("tool_calls");
                json.WriteStartObject();
                json.WriteNumber("index", call.Index);
                json.WriteString("id", call.Id);
                json.WriteString("type", "function");
                json.WriteStartObject("function");
                json.WriteString("name", call.Name);
                json.WriteString("arguments", "");
                json.WriteEndObject();
                json.WriteEndObject();
                json.WriteEndArray();
                break;
            case ChatEvent.CallArguments arguments:
                json.WriteStartArray("tool_calls");
                json.WriteStartObject();
                json.WriteNumber("index", arguments.Index);
                json.WriteStartObject("function");
                json.WriteString("arguments", arguments.Fragment);
                json.WriteEndObject();
                json.WriteEndObject();
                json.WriteEndArray();
                break;
        }
    }
}
