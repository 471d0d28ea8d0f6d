using System.Collections.Immutable;
using System.Text.Json;
using Fairlead.Engine.Generation;

namespace Fairlead.Worker.Answers;

/// <summary>Writes tokens with their log-probabilities, in the two forms that OpenAI's two routes have.</summary>
/// <param name="text">A token as a text of its own; half a character becomes U+FFFD.</param>
/// <param name="bytes">The bytes that it adds to a text; empty for special tokens.</param>
internal sealed class TokenSpelling(Func<int, string> text, Func<int, ReadOnlyMemory<byte>> bytes)
{
    /// <summary><c>{"content": […], "refusal": null}</c>: one object a token, its alternatives within.</summary>
    public void WriteChat(Utf8JsonWriter json, IEnumerable<AnswerToken> tokens)
    {
        json.WriteStartObject("logprobs");
        json.WriteStartArray("content");
        foreach (AnswerToken token in tokens)
        {
            json.WriteStartObject();
            WriteOne(json, token.Id, token.Logprob ?? 0);
            json.WriteStartArray("top_logprobs");
            foreach (TokenLogprob other in token.Top)
            {
                json.WriteStartObject();
                WriteOne(json, other.Id, other.Logprob);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteNull("refusal");
        json.WriteEndObject();
    }

    /// <summary><c>{"tokens": […], "token_logprobs": […], "top_logprobs": […], "text_offset": […]}</c>: four lists side by side.</summary>
    /// <param name="json">Within a choice.</param>
    /// <param name="tokens">The tokens.</param>
    /// <param name="offset">Characters of the choice's text before the first of them; moved behind the last.</param>
    public void WriteCompletion(Utf8JsonWriter json, ImmutableArray<AnswerToken> tokens, ref int offset)
    {
        json.WriteStartObject("logprobs");
        json.WriteStartArray("tokens");
        foreach (AnswerToken token in tokens)
            json.WriteStringValue(text(token.Id));
        json.WriteEndArray();
        json.WriteStartArray("token_logprobs");
        foreach (AnswerToken token in tokens)
        {
            if (token.Logprob is { } logprob)
                json.WriteNumberValue(logprob);
            else
                json.WriteNullValue(); // nothing precedes the first token of a prompt
        }
        json.WriteEndArray();
        json.WriteStartArray("top_logprobs");
        foreach (AnswerToken token in tokens)
        {
            if (token.Logprob is null)
            {
                json.WriteNullValue();
                continue;
            }
            json.WriteStartObject();
            var named = new HashSet<string>(StringComparer.Ordinal);
            foreach (TokenLogprob other in token.Top)
            {
                // Two tokens may be spelled alike where each is part of a character; an object can name only one, and the better stands first.
                if (named.Add(text(other.Id)))
                    json.WriteNumber(text(other.Id), other.Logprob);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("text_offset");
        foreach (AnswerToken token in tokens)
        {
            json.WriteNumberValue(offset);
            offset += text(token.Id).Length;
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WriteOne(Utf8JsonWriter json, int id, float logprob)
    {
        json.WriteString("token", text(id));
        json.WriteNumber("logprob", logprob);
        json.WriteStartArray("bytes");
        foreach (byte b in bytes(id).Span)
            json.WriteNumberValue(b);
        json.WriteEndArray();
    }
}
