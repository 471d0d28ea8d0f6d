using System.Collections.Immutable;
using System.Text.Json;
using Fairlead.Engine.Generation;

namespace Fairlead.Worker.Answers;

/// <summary>A choice of a completion, or a piece of one: both have the same form.</summary>
/// <param name="Index">Over all prompts: those of the first stand first.</param>
/// <param name="Text">Text of the choice, or what the piece adds to it.</param>
/// <param name="Finish">Why it ends; null while it goes on.</param>
/// <param name="Tokens">The tokens of the text, where their log-probabilities are wanted.</param>
/// <param name="Offset">Characters of the choice before this text.</param>
internal readonly record struct CompletionChunk(int Index, string Text, string? Finish, ImmutableArray<AnswerToken> Tokens, int Offset)
{
    public const string Kind = "text_completion";

    /// <summary>Writes the element of <c>choices</c>.</summary>
    /// <param name="json">Within the array.</param>
    /// <param name="spelling">Null where log-probabilities are not wanted.</param>
    public void Write(Utf8JsonWriter json, TokenSpelling? spelling)
    {
        json.WriteStartObject();
        json.WriteNumber("index", Index);
        json.WriteString("text", Text);
        if (spelling is not null && !Tokens.IsDefaultOrEmpty)
        {
            int offset = Offset;
            spelling.WriteCompletion(json, Tokens, ref offset);
        }
        else
        {
            json.WriteNull("logprobs");
        }
        json.WriteString("finish_reason", Finish);
        json.WriteEndObject();
    }
}
