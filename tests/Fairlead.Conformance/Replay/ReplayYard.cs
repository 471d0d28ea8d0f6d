using System.Text.Json;
using Fairlead.Yard;

namespace Fairlead.Conformance.Replay;

/// <summary>One gateway whose models have the names that the recordings ask for.</summary>
public sealed class ReplayYard : IAsyncLifetime
{
    private readonly ScriptedUpstream _upstream = ScriptedUpstream.Start();
    private FairleadProcess? _fairlead;

    public FairleadProcess Fairlead => _fairlead ?? throw new InvalidOperationException("Not started.");

    public string Key { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        string[] chat = ["acme/chat-1", "m", "dummy", "acme-prov/model-1", "gpt-x", "acme/base"];
        foreach (string model in chat)
            _upstream.On(model, Answer);
        _upstream.On("acme/emb", Embed);
        _upstream.On("claude", Message);
        string models = string.Join('\n', chat.Select(static m => $"      {m}: {{ as: {m}, input: 0.10, output: 0.10, context: 128k, tools: true, images: true, structured: true }}"));
        _fairlead = await FairleadProcess.StartAsync($$"""
            providers:
              alpha:
                dialect: openai
                url: {{_upstream.Url}}
                models:
            {{models}}
                  acme/emb: { as: acme/emb, input: 0.02, output: 0, context: 8k, embeddings: true }
              beta:
                dialect: anthropic
                url: {{new Uri(new Uri(_upstream.Url), "/")}}
                models:
                  acme/claude: { as: claude, input: 0.10, output: 0.10, context: 200k, tools: true, images: true, structured: true }
            """);
        Key = await _fairlead.CreateKeyAsync("replay");
    }

    public async ValueTask DisposeAsync()
    {
        if (_fairlead is not null)
            await _fairlead.DisposeAsync();
        await _upstream.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>The models to send it to, null for the recorded one: what comes by Anthropic's door is served by providers of both dialects.</summary>
    public IEnumerable<string?> ModelsFor(RecordedRequest request) =>
        request.Path == "/v1/embeddings" && request.Text("model") != "acme/emb" ? ["acme/emb"]
        : request.Path.StartsWith("/v1/messages", StringComparison.Ordinal) ? [null, "acme/claude"]
        : [null];

    /// <summary>What a provider of Anthropic's dialect says to the smallest question.</summary>
    private static Script Message(ReceivedRequest request) => Script.Parse(
        request.Path.EndsWith("/count_tokens", StringComparison.Ordinal)
            ? """200 JS {"input_tokens":9}"""
            : ScriptedUpstream.Streams(request)
                ? """
                  SSE
                  W ev(message_start,{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}})
                  W ev(content_block_start,{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}) ; W ev(ping,{"type":"ping"})
                  W ev(content_block_delta,{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}) ; W ev(content_block_stop,{"type":"content_block_stop","index":0})
                  W ev(message_delta,{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":1}}) ; W ev(message_stop,{"type":"message_stop"})
                  """
                : """200 JS {"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":2}}""");

    private static Script Answer(ReceivedRequest request)
    {
        bool legacy = request.Path.EndsWith("/completions", StringComparison.Ordinal) && !request.Path.EndsWith("chat/completions", StringComparison.Ordinal);
        int choices = request.Json.TryGetProperty("n", out JsonElement n) && n.ValueKind == JsonValueKind.Number ? n.GetInt32() : 1;
        if (ScriptedUpstream.Streams(request))
        {
            return Script.Parse(legacy
                ? """
                  SSE
                  W data: {"id":"t1","object":"text_completion","created":1700000000,"model":"m1","choices":[{"index":0,"text":"Hi","logprobs":null,"finish_reason":"stop"}]}\n\n
                  W data: {"id":"t1","object":"text_completion","created":1700000000,"model":"m1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}\n\n ; W done
                  """
                : Script.GoodStream);
        }
        string body = legacy ? "\"text\":\"Hi\",\"logprobs\":null" : "\"message\":{\"role\":\"assistant\",\"content\":\"Hi\"}";
        string all = string.Join(',', Enumerable.Range(0, choices).Select(i => $$"""{"index":{{i}},{{body}},"finish_reason":"stop"}"""));
        return Script.Parse($$$"""200 JS {"id":"c1","object":"{{{(legacy ? "text_completion" : "chat.completion")}}}","created":1700000000,"model":"m1","choices":[{{{all}}}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}""");
    }

    private static Script Embed(ReceivedRequest request)
    {
        // Answers in the form that it is asked for, as OpenAI does; the other kind of provider is the clients' yard's.
        bool base64 = request.Json.TryGetProperty("encoding_format", out JsonElement format) && format.GetString() == "base64";
        JsonElement input = request.Json.GetProperty("input");
        bool many = input.ValueKind == JsonValueKind.Array && input.GetArrayLength() > 0 && input[0].ValueKind != JsonValueKind.Number;
        string vector = base64 ? "\"AACAPgAAAL8AAIA/\"" : "[0.25,-0.5,1]";
        string data = string.Join(',', Enumerable.Range(0, many ? input.GetArrayLength() : 1).Select(i => $$"""{"object":"embedding","index":{{i}},"embedding":{{vector}}}"""));
        return Script.Parse($$$"""200 JS {"object":"list","data":[{{{data}}}],"model":"m1","usage":{"prompt_tokens":3,"total_tokens":3}}""");
    }
}
