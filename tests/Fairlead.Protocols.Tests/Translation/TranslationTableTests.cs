using Fairlead.Protocols.Tests.Requests;
using Fairlead.Protocols.Translation;

namespace Fairlead.Protocols.Tests.Translation;

/// <summary>The table says what the code does: each row's example is translated, and meets its row's fate.</summary>
public sealed class TranslationTableTests
{
    /// <summary>OpenAI's request as its reference and SDK name it.</summary>
    private static readonly string[] OfOpenAi =
    [
        "messages", "model", "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "metadata", "modalities",
        "moderation", "n", "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning_effort",
        "response_format", "safety_identifier", "seed", "service_tier", "stop", "store", "stream", "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user",
        "verbosity", "web_search_options",
    ];

    /// <summary>Anthropic's request as the SDKs of both versions name it, what is beta included.</summary>
    private static readonly string[] OfAnthropic =
    [
        "model", "max_tokens", "system", "tools", "tool_choice", "mcp_servers", "container", "temperature", "top_p", "top_k", "stop_sequences", "stream", "thinking", "output_config",
        "output_format", "metadata", "service_tier", "speed", "inference_geo", "cache_control", "context_management", "diagnostics", "fallbacks", "fallback_credit_token", "compaction", "thread",
        "billing_policy",
    ];

    public static TheoryData<string> Fields => [.. TranslationTable.ChatToMessages.Select(static row => row.Field)];

    [Fact]
    public void Every_field_of_OpenAI_has_its_row() =>
        Assert.Empty(OfOpenAi.Except(TranslationTable.ChatToMessages.Select(static row => row.Field)));

    [Fact]
    public void No_row_stands_twice() =>
        Assert.Equal(TranslationTable.ChatToMessages.Count, TranslationTable.ChatToMessages.Select(static row => row.Field).Distinct().Count());

    public static TheoryData<string> MessageFields => [.. TranslationTable.MessagesToChat.Select(static row => row.Field)];

    [Fact]
    public void Every_field_of_Anthropic_has_its_row_once()
    {
        Assert.Empty(OfAnthropic.Except(TranslationTable.MessagesToChat.Select(static row => row.Field)));
        Assert.Equal(TranslationTable.MessagesToChat.Count, TranslationTable.MessagesToChat.Select(static row => row.Field).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(MessageFields))]
    public void A_row_of_the_other_direction_holds(string field)
    {
        TranslationRow row = TranslationTable.MessagesToChat.Single(r => r.Field == field);
        string before = row.Example.StartsWith("\"messages\"", StringComparison.Ordinal) ? "\"max_tokens\":16," : row.Example.StartsWith("\"max_tokens\"", StringComparison.Ordinal)
            ? "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]," : "\"max_tokens\":16,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],";
        string body = $$"""{"model":"o/m",{{before}}{{row.Example}}}""";
        string? bound = AnthropicBodies.Request(body).BoundToDialect;
        string? adapted = AnthropicBodies.Adapted(body);
        string name = field.Split(':')[0];
        switch (row.Fate)
        {
            case Fate.Bound:
                Assert.NotNull(bound);
                Assert.StartsWith(name.Split('.')[0], bound, StringComparison.Ordinal);
                break;
            case Fate.Lost:
                Assert.Equal((null, name), (bound, adapted));
                break;
            case Fate.Carried:
                Assert.Equal((null, null), (bound, adapted));
                break;
            default:
                Assert.Equal((null, null), (bound, adapted));
                Assert.DoesNotContain($"\"{name}\"", AnthropicBodies.Translated(body), StringComparison.Ordinal);
                break;
        }
    }

    [Theory]
    [MemberData(nameof(Fields))]
    public void A_row_holds(string field)
    {
        TranslationRow row = TranslationTable.ChatToMessages.Single(r => r.Field == field);
        string body = row.Example.StartsWith("\"messages\"", StringComparison.Ordinal) ? $$"""{"model":"o/m",{{row.Example}}}""" : Bodies.Chat(row.Example);
        string? bound = Bodies.Request(body).BoundToDialect;
        string? lost = Bodies.Request(body).LostInTranslation;
        string name = field.Split(':')[0];
        switch (row.Fate)
        {
            case Fate.Bound:
                Assert.NotNull(bound);
                Assert.StartsWith(name.Split('.')[0], bound, StringComparison.Ordinal);
                Assert.Null(lost);
                break;
            case Fate.Lost:
                Assert.Equal((null, name), (bound, lost));
                Assert.Equal(name, Translated.Of(body, Translated.Newest).Adapted);
                break;
            case Fate.Adapted:
                Assert.Equal((null, null), (bound, lost));
                Assert.Equal(name, Translated.Of(body, Translated.Newest).Adapted);
                break;
            case Fate.Carried:
                Assert.Equal((null, null), (bound, lost));
                Assert.Null(Translated.Of(body, Translated.Haiku).Adapted);
                break;
            default:
                Assert.Equal((null, null), (bound, lost));
                Assert.Equal("-", Translated.Of(body, Translated.Haiku)[name]);
                break;
        }
    }

    [Fact]
    public void A_field_that_nobody_knows_is_lost_and_named()
    {
        Assert.Equal("x_new, chat_template_kwargs", Translated.Chat("\"x_new\":1,\"chat_template_kwargs\":{}").Adapted);
        Assert.Null(Translated.Chat("\"x_new\":null").Adapted);
    }

    [Fact]
    public void Names_that_callers_choose_are_fit_for_a_header()
    {
        Assert.Equal("others", Translated.Chat("\"a\\nb,c\\u00e9d\":1").Adapted);
        string more = Translated.Chat(string.Join(',', Enumerable.Range(0, 200).Select(static i => $"\"f{i}\":1"))).Adapted!;
        Assert.EndsWith("f15, others", more, StringComparison.Ordinal);
    }
}
