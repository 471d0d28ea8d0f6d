using System.Text;
using System.Text.Json;
using Fairlead.Engine.Chat;
using Fairlead.Engine.Generation;
using Fairlead.Worker.Answers;

namespace Fairlead.Worker.Tests.Answers;

/// <summary>The form of what a worker sends, member by member, as OpenAI's clients read it.</summary>
public sealed class AnswerTests
{
    private static readonly AnswerHead Head = new("chatcmpl-1", 7, "local/m", "fp_1");
    private static readonly TokenSpelling Spelling = new(static id => id == 9 ? "\uFFFD" : $"t{id}", static id => Encoding.UTF8.GetBytes($"t{id}"));

    [Fact]
    public void A_choice_is_the_sum_of_its_deltas()
    {
        var choice = new ChatChoice();
        choice.Take(new ChatEvent.Reasoning("hm, "));
        choice.Take(new ChatEvent.Reasoning("yes"));
        choice.Take(new ChatEvent.Content("It is "));
        choice.Take(new ChatEvent.Content("cold."));
        choice.End("length");
        Assert.Equal(
            """{"index":2,"message":{"role":"assistant","content":"It is cold.","reasoning_content":"hm, yes","refusal":null},"logprobs":null,"finish_reason":"length"}""",
            Json(json => choice.Write(json, 2, null)));
    }

    [Fact]
    public void A_choice_that_only_calls_tools_has_no_content()
    {
        var choice = new ChatChoice();
        choice.Take(new ChatEvent.CallStarted(0, "call_a", "weather"));
        choice.Take(new ChatEvent.CallArguments(0, "{\"city\":"));
        choice.Take(new ChatEvent.CallStarted(1, "call_b", "time"));
        choice.Take(new ChatEvent.CallArguments(0, "\"Oslo\"}"));
        choice.End("tool_calls");
        JsonElement message = JsonDocument.Parse(Json(json => choice.Write(json, 0, null))).RootElement.GetProperty("message");
        Assert.Equal(JsonValueKind.Null, message.GetProperty("content").ValueKind);
        Assert.Equal(
            """[{"id":"call_a","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}},{"id":"call_b","type":"function","function":{"name":"time","arguments":""}}]""",
            message.GetProperty("tool_calls").GetRawText().Replace("\\u0022", "\\\"", StringComparison.Ordinal));
    }

    [Fact]
    public void A_chunk_says_what_is_added_and_nothing_else()
    {
        Assert.Contains("\"delta\":{\"role\":\"assistant\",\"content\":\"\"}", Chunk(new ChatChunk(Head, 0, null, true, null, [], null)), StringComparison.Ordinal);
        Assert.Contains("\"delta\":{\"content\":\"hi\"},\"logprobs\":null,\"finish_reason\":null", Chunk(new ChatChunk(Head, 0, new ChatEvent.Content("hi"), false, null, [], null)), StringComparison.Ordinal);
        Assert.Contains("\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"", Chunk(new ChatChunk(Head, 0, null, false, "stop", [], null)), StringComparison.Ordinal);
        Assert.Contains("\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"{}\"}}]", Chunk(new ChatChunk(Head, 0, new ChatEvent.CallArguments(1, "{}"), false, null, [], null)), StringComparison.Ordinal);
        Assert.StartsWith("{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"local/m\",\"system_fingerprint\":\"fp_1\"", Chunk(new ChatChunk(Head, 0, null, true, null, [], null)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_chats_log_probabilities_hold_text_bytes_and_alternatives()
    {
        string json = Members(w => Spelling.WriteChat(w, [new AnswerToken(1, -0.5f, [new TokenLogprob(1, -0.5f), new TokenLogprob(2, -2)])]));
        Assert.Equal(
            """{"logprobs":{"content":[{"token":"t1","logprob":-0.5,"bytes":[116,49],"top_logprobs":[{"token":"t1","logprob":-0.5,"bytes":[116,49]},{"token":"t2","logprob":-2,"bytes":[116,50]}]}],"refusal":null}}""",
            json);
    }

    [Fact]
    public void A_completions_log_probabilities_are_four_lists_and_its_first_prompt_token_has_none()
    {
        int offset = 3;
        string json = Members(w => Spelling.WriteCompletion(w, [new AnswerToken(1, null, []), new AnswerToken(12, -1, [new TokenLogprob(9, -1), new TokenLogprob(9, -2)])], ref offset));
        Assert.Equal(
            """{"logprobs":{"tokens":["t1","t12"],"token_logprobs":[null,-1],"top_logprobs":[null,{"\uFFFD":-1}],"text_offset":[3,5]}}""",
            json.Replace("\uFFFD", "\\uFFFD", StringComparison.Ordinal));
        Assert.Equal(8, offset);
    }

    [Fact]
    public void A_vector_that_is_cut_has_length_one_again()
    {
        float[] cut = EmbeddingServed.Shorten([3, 4, 5], 2);
        Assert.Equal([0.6f, 0.8f], cut);
        Assert.Equal([0f, 0f], EmbeddingServed.Shorten([0, 0, 1], 2)); // nothing to scale
        Assert.Equal([1f, 2f], EmbeddingServed.Shorten([1, 2], null));
    }

    private static string Chunk(ChatChunk chunk) => Members(json => ChatChunk.Write(json, chunk));

    private static string Members(Action<Utf8JsonWriter> write) => Json(json =>
    {
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
    });

    private static string Json(Action<Utf8JsonWriter> write)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
            write(json);
        return Encoding.UTF8.GetString(bytes.ToArray());
    }
}
