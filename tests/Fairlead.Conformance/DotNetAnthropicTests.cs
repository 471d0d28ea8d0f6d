using System.Net;
using System.Text;
using System.Text.Json;
using Anthropic;
using Anthropic.Core;
using Anthropic.Exceptions;
using Anthropic.Models.Messages;
using Anthropic.Models.Models;

namespace Fairlead.Conformance;

/// <summary>Anthropic's own client for .NET, unmodified, in front of a provider of either dialect. It checks each answer against its types
/// (<see cref="ClientOptions.ResponseValidation"/>), so a member that is missing or of another kind fails here.</summary>
[Collection(nameof(OneClientAtATime))]
public sealed class DotNetAnthropicTests(Gateway gateway)
{
    private static readonly Tool Weather = new()
    {
        Name = "weather",
        Description = "The weather of a city.",
        InputSchema = new InputSchema { Properties = Json("""{"city":{"type":"string"}}"""), Required = ["city"] },
    };

    public static TheoryData<string> Models => [Gateway.ChatModel, Gateway.ClaudeModel];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Models))]
    public async Task A_message_comes_whole(string model)
    {
        Message message = await Client().Messages.Create(Ask(model, "Say hello."), Stop);

        Assert.Equal("Hello, wörld 👋", Text(message));
        Assert.Equal(StopReason.EndTurn, message.StopReason?.Value());
        Assert.Equal(12, message.Usage.InputTokens + (message.Usage.CacheCreationInputTokens ?? 0) + (message.Usage.CacheReadInputTokens ?? 0));
        Assert.Equal(5, message.Usage.OutputTokens);
    }

    [Theory, MemberData(nameof(Models))]
    public async Task A_message_streams_and_ends_with_its_usage(string model)
    {
        var text = new StringBuilder();
        int pieces = 0;
        long output = 0;
        string last = "";
        await foreach (RawMessageStreamEvent item in Client().Messages.CreateStreaming(Ask(model, "Say hello."), Stop))
        {
            if (item.TryPickContentBlockDelta(out RawContentBlockDeltaEvent? delta) && delta.Delta.TryPickText(out TextDelta? piece))
            {
                text.Append(piece.Text);
                pieces++;
            }
            if (item.TryPickDelta(out RawMessageDeltaEvent? end))
            {
                output = end.Usage.OutputTokens;
                Assert.Equal(StopReason.EndTurn, end.Delta.StopReason?.Value());
            }
            last = item.Json.GetProperty("type").GetString()!;
        }

        Assert.Equal("Hello, wörld 👋", text.ToString());
        Assert.True(pieces > 1, "the answer came in one piece");
        Assert.Equal((5, "message_stop"), (output, last));
    }

    [Theory, MemberData(nameof(Models))]
    public async Task Tools_are_called_in_three_rounds(string model)
    {
        List<MessageParam> messages = [new UserMessageParam("How is the weather in Paris, then in London, then in Rome?")];
        var asked = new List<string?>();
        Message message = await Client().Messages.Create(Ask(model, messages), Stop);
        while (message.StopReason?.Value() == StopReason.ToolUse)
        {
            ToolUseBlock[] calls = [.. message.Content.Select(static b => b.TryPickToolUse(out ToolUseBlock? call) ? call : null).OfType<ToolUseBlock>()];
            asked.AddRange(calls.Select(static c => c.Input["city"].GetString()));
            messages.Add(new AssistantMessageParam(new List<ContentBlockParam>([.. calls.Select(static c => new ToolUseBlockParam { ID = c.ID, Name = c.Name, Input = c.Input })])));
            messages.Add(new UserMessageParam(new List<ContentBlockParam>([.. calls.Select(static c => new ToolResultBlockParam(c.ID) { Content = "fine" })])));
            message = await Client().Messages.Create(Ask(model, messages), Stop);
        }

        Assert.Equal(["Paris", "London", "Rome"], asked);
        Assert.Equal("call_3 says: fine", Text(message));
    }

    [Theory, MemberData(nameof(Models))]
    public async Task Two_tools_are_called_at_once_in_a_stream(string model)
    {
        var names = new List<(long Index, string Id)>();
        var arguments = new Dictionary<long, StringBuilder>();
        await foreach (RawMessageStreamEvent item in Client().Messages.CreateStreaming(Ask(model, [new UserMessageParam("How is the weather in both?")]), Stop))
        {
            if (item.TryPickContentBlockStart(out RawContentBlockStartEvent? start) && start.ContentBlock.TryPickToolUse(out ToolUseBlock? call))
            {
                names.Add((start.Index, call.ID));
                arguments[start.Index] = new StringBuilder();
            }
            if (item.TryPickContentBlockDelta(out RawContentBlockDeltaEvent? delta) && delta.Delta.TryPickInputJson(out InputJsonDelta? piece))
                arguments[delta.Index].Append(piece.PartialJson);
        }

        Assert.Equal([(0, "call_1"), (1, "call_2")], names);
        Assert.Equal(["""{"city":"Paris"}""", """{"city":"London"}"""], arguments.Values.Select(static a => a.ToString()));
    }

    [Theory, MemberData(nameof(Models))]
    public async Task An_image_reaches_the_model(string model)
    {
        const string Pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
        List<ContentBlockParam> blocks =
        [
            new TextBlockParam("What is this?"),
            new ImageBlockParam(new Base64ImageSource { Data = Pixel, MediaType = MediaType.ImagePng }),
        ];

        Message message = await Client().Messages.Create(Ask(model, [new UserMessageParam(blocks)]) with { Tools = [] }, Stop);

        Assert.Equal($"An image of {"data:image/png;base64,".Length + Pixel.Length} characters", Text(message));
    }

    [Theory, MemberData(nameof(Models))]
    public async Task A_schema_reaches_the_model(string model)
    {
        var format = new JsonOutputFormat
        {
            Schema = Json("""{"type":"object","properties":{"city":{"type":"string"},"people":{"type":"integer"}},"required":["city","people"],"additionalProperties":false}"""),
        };

        Message message = await Client().Messages.Create(Ask(model, "A place, please.") with { OutputConfig = new OutputConfig { Format = format } }, Stop);

        Assert.Equal(2_100_000, JsonDocument.Parse(Text(message)).RootElement.GetProperty("people").GetInt32());
    }

    [Fact]
    public async Task Thinking_comes_with_its_signature_and_may_go_back()
    {
        MessageCreateParams ask = Ask(Gateway.ClaudeModel, "Say hello.") with { MaxTokens = 2_000, Thinking = new ThinkingConfigEnabled(1_024) };
        Message first = await Client().Messages.Create(ask, Stop);
        Assert.True(first.Content[0].TryPickThinking(out ThinkingBlock? thought));
        Assert.Equal(("Let me see.", AnthropicScript.Signature), (thought.Thinking, thought.Signature));

        Message second = await Client().Messages.Create(
            ask with
            {
                Messages =
                [
                    new UserMessageParam("Say hello."),
                    new AssistantMessageParam(new List<ContentBlockParam> { new ThinkingBlockParam { Thinking = thought.Thinking, Signature = thought.Signature }, new TextBlockParam("Hello.") }),
                    new UserMessageParam("Again."),
                ],
            },
            Stop);

        Assert.Equal("Hello, wörld 👋", Text(second)); // the provider refuses a signature that was changed
    }

    [Theory, MemberData(nameof(Models))]
    public async Task Tokens_are_counted(string model)
    {
        MessageTokensCount count = await Client().Messages.CountTokens(new MessageCountTokensParams { Model = model, Messages = [new UserMessageParam("Say hello.")] }, Stop);

        Assert.True(count.InputTokens > 0);
    }

    [Fact]
    public async Task The_models_are_listed()
    {
        // Not checked against its types: a capability that nobody has told us of is left out, and they have it or not.
        ModelListPage page = await Client(validate: false).Models.List(new ModelListParams(), Stop);

        Assert.Contains(Gateway.ClaudeModel, page.Items.Select(static m => m.ID));
    }

    [Fact]
    public async Task A_wrong_key_an_unknown_model_and_a_bad_field_are_told_apart()
    {
        AnthropicClient stranger = Client(Gateway.WrongKey);
        var wrongKey = await Assert.ThrowsAsync<AnthropicUnauthorizedException>(() => stranger.Messages.Create(Ask(Gateway.ChatModel, "Say hello."), Stop));
        var unknown = await Assert.ThrowsAsync<AnthropicNotFoundException>(() => Client().Messages.Create(Ask("nobody/nothing", "Say hello."), Stop));
        var bad = await Assert.ThrowsAsync<AnthropicBadRequestException>(() => Client().Messages.Create(Ask(Gateway.ChatModel, "Say hello.") with { MaxTokens = -1 }, Stop));

        Assert.All([wrongKey.ResponseBody, unknown.ResponseBody, bad.ResponseBody], static body => Assert.Equal("error", JsonDocument.Parse(body).RootElement.GetProperty("type").GetString()));
        Assert.StartsWith("req_", wrongKey.RequestID, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tiny/claude-limited-dotnet", "429 rate_limit_error Slow down", typeof(AnthropicRateLimitException))]
    [InlineData("tiny/claude-busy", "529 overloaded_error Overloaded", typeof(AnthropicOverloadedException))]
    [InlineData("tiny/claude-large", "413 request_too_large Request exceeds the maximum size", typeof(AnthropicContentTooLargeException))]
    [InlineData("tiny/claude-gone", "404 not_found_error model: claude-gone", typeof(AnthropicNotFoundException))]
    [InlineData("tiny/claude-long", "400 invalid_request_error prompt is too long: 300000 tokens > 200000 maximum", typeof(AnthropicBadRequestException))]
    public async Task An_error_of_the_provider_is_the_same_error_here(string model, string words, System.Type exception)
    {
        Exception? thrown = await Record.ExceptionAsync(() => Client().Messages.Create(Ask(model, $"Fail with {words}"), Stop));

        Assert.IsType(exception, thrown);
    }

    [Theory, MemberData(nameof(Models))]
    public async Task A_caller_who_leaves_a_stream_ends_it_at_the_provider(string model)
    {
        int before = gateway.HangUps;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (RawMessageStreamEvent item in Client().Messages.CreateStreaming(Ask(model, "Go on for ever."), stop.Token))
            {
                if (item.TryPickContentBlockDelta(out _))
                    await stop.CancelAsync();
            }
        });

        await gateway.HungUpAsync(before + 1);
    }

    private AnthropicClient Client(string? key = null, bool validate = true) => new(new ClientOptions
    {
        BaseUrl = new Uri(gateway.Process.BaseUrl, "/").ToString().TrimEnd('/'),
        ApiKey = key ?? gateway.Process.Key,
        MaxRetries = 0,
        ResponseValidation = validate,
    });

    private static MessageCreateParams Ask(string model, string words) => Ask(model, [new UserMessageParam(words)]) with { Tools = null };

    private static MessageCreateParams Ask(string model, IReadOnlyList<MessageParam> messages) => new() { Model = model, MaxTokens = 100, Messages = messages, Tools = [Weather] };

    private static string Text(Message message) => string.Concat(message.Content.Select(static b => b.TryPickText(out TextBlock? text) ? text.Text : ""));

    private static Dictionary<string, JsonElement> Json(string json) => JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(json)!;
}
