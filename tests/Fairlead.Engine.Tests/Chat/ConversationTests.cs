using System.Text.Json;
using Fairlead.Engine.Chat;
using Fairlead.Engine.Templates;
using Fairlead.Engine.Tests.Templates;

namespace Fairlead.Engine.Tests.Chat;

/// <summary>Requests in OpenAI's form become what templates understand.</summary>
public class ConversationTests
{
    private static readonly ChatFormat Plain = new([], null, new TemplateTraits());

    [Fact]
    public void Arguments_become_an_object_or_stay_a_text_as_the_template_wants()
    {
        const string Messages = """[{"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1.0}"}}]}, {"role": "tool", "tool_call_id": "call_1", "content": "x"}]""";

        Assert.Equal("""[{"role":"assistant","content":"","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":{"a":1.0}}}]},{"role":"tool","content":"x","tool_call_id":"call_1","name":"f"}]""", Prepared(Messages, Plain));
        ChatFormat other = new([], null, new TemplateTraits { ArgumentsAsText = true, NullContentBesideCalls = true, ShortIds = true });
        string shortened = ToolCallIds.Shorten("call_1");
        Assert.Equal($$$"""[{"role":"assistant","content":null,"tool_calls":[{"id":"{{{shortened}}}","type":"function","function":{"name":"f","arguments":"{\u0022a\u0022: 1.0}"}}]},{"role":"tool","content":"x","tool_call_id":"{{{shortened}}}","name":"f"}]""", Prepared(Messages, other));
    }

    [Fact]
    public void Parts_are_joined_where_the_template_takes_texts_only()
    {
        const string Messages = """[{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]""";

        Assert.Equal("""[{"role":"user","content":"a\nb"}]""", Prepared(Messages, Plain));
        Assert.Equal("""[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]""", Prepared(Messages, new ChatFormat([], null, new TemplateTraits { ContentParts = true })));
    }

    [Fact]
    public void The_developer_s_message_becomes_the_system_s_where_the_template_knows_no_developer()
    {
        const string Messages = """[{"role": "developer", "content": "r"}]""";

        Assert.Equal("""[{"role":"system","content":"r"}]""", Prepared(Messages, Plain));
        Assert.Equal("""[{"role":"developer","content":"r"}]""", Prepared(Messages, new ChatFormat([], null, new TemplateTraits { DeveloperRole = true })));
    }

    [Theory]
    [InlineData("""[{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "data:"}}]}]""", "messages[0].content[1]", "image_url")]
    [InlineData("""[{"role": "user", "content": [{"type": "input_audio"}]}]""", "messages[0].content[0]", "text only")]
    [InlineData("""[{"role": "user", "content": [{"type": "hologram"}]}]""", "messages[0].content[0].type", "hologram")]
    [InlineData("""[{"role": "user", "content": 5}]""", "messages[0].content", "text or an array")]
    [InlineData("""[{"role": "user"}]""", "messages[0].content", "missing")]
    [InlineData("""[{"content": "x"}]""", "messages[0].role", "missing")]
    [InlineData("""[{"role": "User", "content": "x"}]""", "messages[0].role", "none of system, developer, user")]
    [InlineData("""["x"]""", "messages[0]", "object")]
    [InlineData("""{}""", "messages", "array")]
    [InlineData("""[{"role": "user", "content": "a"}, {"role": "user", "content": "\ud83d"}]""", "messages[1]", "surrogate")]
    [InlineData("""[{"role": "user", "content": "a", "x": {"\udc00": 1}}]""", "messages[0]", "surrogate")]
    [InlineData("""[{"role": "assistant", "tool_calls": [{"id": "1"}]}]""", "messages[0].tool_calls[0].function", "missing")]
    [InlineData("""[{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{oops"}}]}]""", "messages[0].tool_calls[0].function.arguments", "no JSON")]
    public void What_the_model_cannot_take_is_refused_with_its_place(string messages, string parameter, string reason)
    {
        ChatRequestException refused = Assert.Throws<ChatRequestException>(() => Prepared(messages, Plain));

        Assert.Equal(parameter, refused.Parameter);
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Arguments_that_nest_without_end_are_refused_and_do_not_overflow()
    {
        string deep = new string('[', 60) + new string(']', 60);
        string messages = $$$"""[{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{\"a\": {{{deep}}}}"}}]}]""";
        Assert.Contains("[[[[", Prepared(messages, Plain), StringComparison.Ordinal);

        messages = messages.Replace(deep, new string('[', 5_000) + new string(']', 5_000), StringComparison.Ordinal);
        Assert.Throws<ChatRequestException>(() => Prepared(messages, Plain));
    }

    [Fact]
    public void An_answer_that_the_caller_has_begun_is_continued()
    {
        ChatTemplateInput input = Prepare("""[{"role": "user", "content": "Count"}, {"role": "assistant", "content": "1, 2,"}]""", Plain);

        Assert.True(input is { ContinueFinalMessage: true, AddGenerationPrompt: false });
        ChatTemplate template = RealTemplates.Load().Template("Qwen-Qwen2.5-7B-Instruct");
        Assert.EndsWith("<|im_start|>assistant\n1, 2,", template.Render(input, TimeProvider.System), StringComparison.Ordinal);
        Assert.True(Prepare("""[{"role": "assistant", "content": "x"}, {"role": "user", "content": "y"}]""", Plain) is { ContinueFinalMessage: false, AddGenerationPrompt: true });
        Assert.False(ChatConversation.Prepare(Json("""[{"role": "assistant", "content": "x"}]"""), null, Plain, continueFinal: false).ContinueFinalMessage);
    }

    [Fact]
    public void Real_templates_take_every_conversation_once_it_is_prepared_that_their_models_can_have()
    {
        // The fixtures' conversation with arguments as text: as it stands, templates print it wrongly or refuse it; prepared, as the one with an object.
        RealTemplates real = RealTemplates.Load();
        int same = 0;
        foreach (string name in real.Names)
        {
            ChatTemplate template = real.Template(name);
            ChatFormat format = ChatFormat.Detect(template, RealTemplates.Tokens("<s>", "</s>"));
            if (!format.HasToolCalls || format.Traits.ArgumentsAsText)
                continue;
            ChatTemplateInput asText = real.Input("tool-call-text-args");
            ChatTemplateInput asObject = asText with { Messages = Json(asText.Messages.GetRawText().Replace("\"{\\\"city\\\": \\\"Rome\\\"}\"", "{\"city\": \"Rome\"}", StringComparison.Ordinal)) };
            Assert.NotEqual(asText.Messages.GetRawText(), asObject.Messages.GetRawText());
            if (Rendered(template, asObject with { Messages = ChatConversation.Prepare(asObject.Messages, null, format).Messages }, real.Clock) is not { } wanted)
                continue;
            Assert.Equal(wanted, Rendered(template, asText with { Messages = ChatConversation.Prepare(asText.Messages, null, format).Messages }, real.Clock));
            same++;
        }

        Assert.True(same >= 40, $"{same} templates");
    }

    private static string? Rendered(ChatTemplate template, ChatTemplateInput input, TimeProvider clock)
    {
        try
        {
            return template.Render(input, clock);
        }
        catch (ChatTemplateException)
        {
            return null;
        }
    }

    private static ChatTemplateInput Prepare(string messages, ChatFormat format) => ChatConversation.Prepare(Json(messages), null, format);

    private static string Prepared(string messages, ChatFormat format) => Prepare(messages, format).Messages.GetRawText();

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;
}
