using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using System.Text.Json;
using Fairlead.Domain.Inference;
using Fairlead.Shared;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Embeddings;
using OpenAI.Models;

namespace Fairlead.Conformance;

/// <summary>OpenAI's own client for .NET, unmodified.</summary>
[Collection(nameof(OneClientAtATime))]
public sealed class DotNetClientTests(Gateway gateway)
{
    private static readonly ChatTool Weather = ChatTool.CreateFunctionTool(
        "weather", "The weather of a city.", BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}"""));

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_chat_answer_comes_whole()
    {
        ClientResult<ChatCompletion> result = await Chat().CompleteChatAsync([new UserChatMessage("Say hello.")], cancellationToken: Stop);

        Assert.Equal("Hello, wörld 👋", result.Value.Content[0].Text);
        Assert.Equal(ChatFinishReason.Stop, result.Value.FinishReason);
        Assert.Equal((12, 5, 17), (result.Value.Usage.InputTokenCount, result.Value.Usage.OutputTokenCount, result.Value.Usage.TotalTokenCount));
        Assert.True(result.GetRawResponse().Headers.TryGetValue("x-request-id", out string? id));
        Assert.StartsWith("req_", id, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_chat_answer_streams_and_ends_with_its_usage()
    {
        var text = new StringBuilder();
        int pieces = 0;
        ChatFinishReason? finish = null;
        ChatTokenUsage? usage = null;
        await foreach (StreamingChatCompletionUpdate update in Chat().CompleteChatStreamingAsync([new UserChatMessage("Say hello.")], cancellationToken: Stop))
        {
            foreach (ChatMessageContentPart part in update.ContentUpdate)
            {
                text.Append(part.Text);
                pieces++;
            }
            finish ??= update.FinishReason;
            usage ??= update.Usage;
        }

        Assert.Equal("Hello, wörld 👋", text.ToString());
        Assert.True(pieces > 1, "the answer came in one piece");
        Assert.Equal(ChatFinishReason.Stop, finish);
        Assert.Equal(5, usage?.OutputTokenCount); // this client always asks for it
    }

    [Fact]
    public async Task Comments_while_the_model_thinks_are_passed_over()
    {
        var text = new StringBuilder();
        await foreach (StreamingChatCompletionUpdate update in Chat().CompleteChatStreamingAsync([new UserChatMessage("Think first.")], cancellationToken: Stop))
        {
            foreach (ChatMessageContentPart part in update.ContentUpdate)
                text.Append(part.Text);
        }

        Assert.Equal("Hello, wörld 👋", text.ToString());
    }

    [Fact]
    public async Task A_tool_is_called_and_its_result_reaches_the_model()
    {
        List<ChatMessage> messages = [new UserChatMessage("How is the weather in Paris?")];
        var options = new ChatCompletionOptions { Tools = { Weather } };

        ChatCompletion first = await Chat().CompleteChatAsync(messages, options, Stop);

        Assert.Equal(ChatFinishReason.ToolCalls, first.FinishReason);
        ChatToolCall call = Assert.Single(first.ToolCalls);
        Assert.Equal("weather", call.FunctionName);
        Assert.Equal("Paris", JsonDocument.Parse(call.FunctionArguments).RootElement.GetProperty("city").GetString());
        messages.Add(new AssistantChatMessage(first));
        messages.Add(new ToolChatMessage(call.Id, "21 degrees"));

        ChatCompletion second = await Chat().CompleteChatAsync(messages, options, Stop);

        Assert.Equal($"{call.Id} says: 21 degrees", second.Content[0].Text);
    }

    [Fact]
    public async Task A_streamed_tool_call_comes_piece_by_piece_and_makes_one_call()
    {
        string? id = null;
        string? name = null;
        var arguments = new MemoryStream();
        ChatFinishReason? finish = null;
        await foreach (StreamingChatCompletionUpdate update in Chat().CompleteChatStreamingAsync(
            [new UserChatMessage("How is the weather in Paris?")], new ChatCompletionOptions { Tools = { Weather } }, Stop))
        {
            foreach (StreamingChatToolCallUpdate piece in update.ToolCallUpdates)
            {
                Assert.Equal(0, piece.Index);
                id ??= piece.ToolCallId;
                name ??= piece.FunctionName;
                arguments.Write(piece.FunctionArgumentsUpdate.ToMemory().Span);
            }
            finish ??= update.FinishReason;
        }

        Assert.Equal(("call_1", "weather"), (id, name));
        Assert.Equal("""{"city":"Paris"}""", Encoding.UTF8.GetString(arguments.ToArray()));
        Assert.Equal(ChatFinishReason.ToolCalls, finish);
    }

    [Fact]
    public async Task Tools_are_called_in_as_many_rounds_as_it_takes()
    {
        List<ChatMessage> messages = [new UserChatMessage("How is the weather in Paris, then in London?")];
        var options = new ChatCompletionOptions { Tools = { Weather } };
        var asked = new List<string?>();
        ChatCompletion answer = await Chat().CompleteChatAsync(messages, options, Stop);
        while (answer.FinishReason == ChatFinishReason.ToolCalls)
        {
            messages.Add(new AssistantChatMessage(answer));
            foreach (ChatToolCall call in answer.ToolCalls)
            {
                asked.Add(JsonDocument.Parse(call.FunctionArguments).RootElement.GetProperty("city").GetString());
                messages.Add(new ToolChatMessage(call.Id, "fine"));
            }
            answer = await Chat().CompleteChatAsync(messages, options, Stop);
        }

        Assert.Equal(["Paris", "London"], asked);
        Assert.Equal("call_2 says: fine", answer.Content[0].Text);
    }

    [Fact]
    public async Task A_schema_reaches_the_model()
    {
        var options = new ChatCompletionOptions
        {
            ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat(
                "place",
                BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string"},"people":{"type":"integer"}},"required":["city","people"],"additionalProperties":false}"""),
                jsonSchemaIsStrict: true),
        };

        ChatCompletion answer = await Chat().CompleteChatAsync([new UserChatMessage("A place, please.")], options, Stop);

        Assert.Equal(2_100_000, JsonDocument.Parse(answer.Content[0].Text).RootElement.GetProperty("people").GetInt32());
    }

    [Fact]
    public async Task An_image_reaches_the_model_byte_for_byte()
    {
        byte[] image = [0x89, 0x50, 0x4E, 0x47, 0xFF, 0xFB, 0xEF];
        ChatMessage message = new UserChatMessage(
            ChatMessageContentPart.CreateTextPart("What is this?"), ChatMessageContentPart.CreateImagePart(BinaryData.FromBytes(image), "image/png"));

        ChatCompletion answer = await Chat().CompleteChatAsync([message], cancellationToken: Stop);

        Assert.Equal($"An image of {$"data:image/png;base64,{Convert.ToBase64String(image)}".Length} characters", answer.Content[0].Text);
    }

    [Fact]
    public async Task Embeddings_come_as_this_client_wants_them()
    {
        EmbeddingClient client = Client().GetEmbeddingClient(Gateway.EmbeddingModel);

        OpenAIEmbeddingCollection answer = await client.GenerateEmbeddingsAsync(["one", "two"], cancellationToken: Stop);

        Assert.Equal(2, answer.Count);
        Assert.Equal([0.25f, -1.5f, 3f], answer[1].ToFloats().ToArray());
        Assert.Equal(4, answer.Usage.TotalTokenCount);
    }

    [Fact]
    public async Task Models_are_listed_and_one_with_a_slash_is_found()
    {
        OpenAIModelClient client = Client().GetOpenAIModelClient();

        OpenAIModelCollection all = await client.GetModelsAsync(Stop);
        OpenAIModel one = await client.GetModelAsync(Gateway.ChatModel, Stop);

        Assert.Contains(Gateway.EmbeddingModel, all.Select(static m => m.Id));
        Assert.Equal((Gateway.ChatModel, "tiny"), (one.Id, one.OwnedBy));
    }

    [Fact]
    public async Task A_wrong_key_is_refused_by_name()
    {
        ChatClient client = Client(Gateway.WrongKey).GetChatClient(Gateway.ChatModel);

        ClientResultException refusal = await Assert.ThrowsAsync<ClientResultException>(async () => await client.CompleteChatAsync([new UserChatMessage("Say hello.")], cancellationToken: Stop));

        Assert.Equal(401, refusal.Status);
        Assert.Equal("key_unknown", ErrorOf(refusal).GetProperty("code").GetString());
    }

    [Fact]
    public async Task An_unknown_model_is_refused_whole_and_streamed()
    {
        ChatClient client = Client().GetChatClient("nobody/nothing");
        UserChatMessage[] messages = [new("Say hello.")];

        ClientResultException whole = await Assert.ThrowsAsync<ClientResultException>(async () => await client.CompleteChatAsync(messages, cancellationToken: Stop));
        ClientResultException streamed = await Assert.ThrowsAsync<ClientResultException>(async () =>
        {
            await foreach (StreamingChatCompletionUpdate _ in client.CompleteChatStreamingAsync(messages, cancellationToken: Stop))
                Assert.Fail("an answer came");
        });

        // 400, not OpenAI's 404: docs/decisions/0003-status-for-an-unknown-model.md
        Assert.Equal((400, 400), (whole.Status, streamed.Status));
        Assert.Equal("model_not_found", ErrorOf(whole).GetProperty("code").GetString());
        Assert.Contains("nobody/nothing", whole.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_refusal_has_its_status_its_code_and_its_words()
    {
        (int Status, string Code)[] expected = [(400, "field_invalid"), (400, "upstream_refused_request"), (402, "budget_reached"), (413, "too_large"), (429, "upstream_rate_limited")];
        ChatClient[] clients = [Chat(), Chat(), Client(gateway.PoorKey).GetChatClient(Gateway.ChatModel), Chat(), Client().GetChatClient(Gateway.LimitedModel(Gateway.DotNet, Dialect.OpenAi))];
        string[] asked = ["Say hello.", "Refuse this.", "Say hello.", new string('x', 21 * 1024 * 1024), "Say hello."];
        for (int i = 0; i < expected.Length; i++)
        {
            var options = new ChatCompletionOptions { Temperature = i == 0 ? 9 : null };

            ClientResultException refusal = await Assert.ThrowsAsync<ClientResultException>(async () => await clients[i].CompleteChatAsync([new UserChatMessage(asked[i])], options, Stop));

            Assert.Equal(expected[i], (refusal.Status, ErrorOf(refusal).GetProperty("code").GetString()));
            Assert.Contains(ErrorOf(refusal).GetProperty("message").GetString()!, refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_unknown_model_is_not_found_in_the_list()
    {
        ClientResultException refusal = await Assert.ThrowsAsync<ClientResultException>(async () => await Client().GetOpenAIModelClient().GetModelAsync("nobody/nothing", Stop));

        Assert.Equal((404, "model_not_found"), (refusal.Status, ErrorOf(refusal).GetProperty("code").GetString()));
    }

    [Fact]
    public async Task What_may_succeed_is_tried_again_by_the_client_itself_and_what_cannot_is_not()
    {
        using var counted = new Counted();
        OpenAIClient client = Retrying(counted, gateway.Process.Key);

        ChatCompletion answer = await client.GetChatClient(Gateway.FlakyModel(Gateway.DotNet, Dialect.OpenAi)).CompleteChatAsync([new UserChatMessage($"Once, {Guid.CreateVersion7()}.")], cancellationToken: Stop);

        Assert.Equal(("Hello, wörld 👋", 2), (answer.Content[0].Text, counted.Count));

        await Assert.ThrowsAsync<ClientResultException>(async () =>
            await Retrying(counted, gateway.PoorKey).GetChatClient(Gateway.ChatModel).CompleteChatAsync([new UserChatMessage("Say hello.")], cancellationToken: Stop));

        Assert.Equal(3, counted.Count);
    }

    [Fact]
    public async Task A_caller_who_waits_no_longer_for_a_whole_answer_stops_the_provider()
    {
        int before = gateway.HangUps;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        string words = $"Go on for ever, {Guid.CreateVersion7()}.";

        Task asking = Chat().CompleteChatAsync([new UserChatMessage(words)], cancellationToken: stop.Token);
        await ScriptedWorker.UntilAsync(() => gateway.Upstream.Requests.Any(request => request.Body.Contains(words, StringComparison.Ordinal)), "the provider is asked");
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);

        await gateway.HungUpAsync(before + 1);
    }

    [Fact]
    public async Task A_stream_that_breaks_off_does_not_look_like_a_whole_answer()
    {
        var text = new StringBuilder();
        ChatFinishReason? finish = null;
        Exception? failure = await Record.ExceptionAsync(async () =>
        {
            await foreach (StreamingChatCompletionUpdate update in Chat().CompleteChatStreamingAsync([new UserChatMessage("Break off.")], cancellationToken: Stop))
            {
                foreach (ChatMessageContentPart part in update.ContentUpdate)
                    text.Append(part.Text);
                finish ??= update.FinishReason;
            }
        });

        // This client knows no error event and passes over it; what is left to its caller is that no finish reason ever came.
        Assert.Equal("Half an ", text.ToString());
        Assert.True(failure is not null || finish is null, $"the broken answer finished with {finish}");
    }

    [Fact]
    public async Task A_caller_who_stops_reading_stops_the_provider()
    {
        int before = gateway.HangUps;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (StreamingChatCompletionUpdate update in Chat().CompleteChatStreamingAsync([new UserChatMessage("Go on for ever.")], cancellationToken: stop.Token))
            {
                if (update.ContentUpdate.Any(static part => part.Text == "and "))
                    await stop.CancelAsync();
            }
        });

        await gateway.HungUpAsync(before + 1);
    }

    private ChatClient Chat() => Client().GetChatClient(Gateway.ChatModel);

    private OpenAIClient Client(string? key = null) => new(
        new ApiKeyCredential(key ?? gateway.Process.Key),
        new OpenAIClientOptions { Endpoint = gateway.Process.BaseUrl, RetryPolicy = new ClientRetryPolicy(maxRetries: 0) });

    private OpenAIClient Retrying(Counted counted, string key) => new(
        new ApiKeyCredential(key),
        new OpenAIClientOptions { Endpoint = gateway.Process.BaseUrl, RetryPolicy = new ClientRetryPolicy(maxRetries: 2), Transport = new HttpClientPipelineTransport(counted.Http) });

    /// <summary>Counts what really leaves the client.</summary>
    private sealed class Counted : DelegatingHandler
    {
        public Counted()
            : base(new SocketsHttpHandler()) => Http = new HttpClient(this);

        public HttpClient Http { get; }

        public int Count { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Count++;
            return base.SendAsync(request, cancellationToken);
        }
    }

    private static JsonElement ErrorOf(ClientResultException refusal) =>
        JsonDocument.Parse(refusal.GetRawResponse()!.Content).RootElement.GetProperty("error");
}
