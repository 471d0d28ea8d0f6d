using System.Text.Json;

namespace Fairlead.Worker.Answers;

/// <summary>Tokens of one request.</summary>
/// <param name="Prompt">All of the prompt's, cached ones included.</param>
/// <param name="Cached">Those that did not have to be read again.</param>
/// <param name="Completion">All that were generated, over all choices.</param>
internal readonly record struct AnswerUsage(int Prompt, int Cached, int Completion)
{
    public static AnswerUsage operator +(AnswerUsage a, AnswerUsage b) => new(a.Prompt + b.Prompt, a.Cached + b.Cached, a.Completion + b.Completion);

    /// <summary>Writes the member <c>usage</c>.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("usage");
        json.WriteNumber("prompt_tokens", Prompt);
        json.WriteNumber("completion_tokens", Completion);
        json.WriteNumber("total_tokens", Prompt + Completion);
        json.WriteStartObject("prompt_tokens_details");
        json.WriteNumber("cached_tokens", Cached);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
