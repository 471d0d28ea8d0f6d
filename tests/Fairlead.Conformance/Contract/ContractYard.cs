using Fairlead.Yard;

namespace Fairlead.Conformance.Contract;

/// <summary>One gateway with three providers of <see cref="Model"/>: <c>fast</c>, <c>cheap</c>, and <c>liked</c>, which the configuration names first.</summary>
public sealed class ContractYard : IAsyncLifetime
{
    public const string Model = "acme/Chat-9B";
    public const string Embedder = "acme/embed";

    private FairleadProcess? _fairlead;

    public ScriptedUpstream Fast { get; } = ScriptedUpstream.Start();

    public ScriptedUpstream Cheap { get; } = ScriptedUpstream.Start();

    public ScriptedUpstream Liked { get; } = ScriptedUpstream.Start();

    public FairleadProcess Fairlead => _fairlead ?? throw new InvalidOperationException("Not started.");

    public string Key { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        foreach (ScriptedUpstream upstream in (ScriptedUpstream[])[Fast, Cheap, Liked])
        {
            upstream.OnBoth("chat", Script.GoodStream, Script.GoodWhole);
            upstream.OnBoth("shaky", Script.GoodStream, Script.GoodWhole);
        }
        Fast.On("dear", Script.GoodWhole);
        Cheap.On("dear", """402 JS {"error":"You have depleted your monthly included credits."}""");
        Fast.On("embed", """200 JS {"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.25,-0.5,1]}],"model":"embed","usage":{"prompt_tokens":3,"total_tokens":3}}""");
        _fairlead = await FairleadProcess.StartAsync($$"""
            providers:
              liked:
                url: {{Liked.Url}}
                key: liked-secret-key
                models:
                  {{Model}}: { as: chat, input: 0.30, output: 0.90, context: 128k, tools: true, structured: true, images: true }
              fast:
                url: {{Fast.Url}}
                key: fast-secret-key
                models:
                  {{Model}}: { as: chat, input: 0.20, output: 0.60, context: 128k, tools: true, structured: true, images: true }
                  acme/shaky: { as: shaky, input: 0.20, output: 0.60, context: 128k }
                  acme/dear: { as: dear, input: 0.20, output: 0.60, context: 128k }
                  acme/gone: { as: gone, input: 0.20, output: 0.60, context: 128k }
                  acme/broken: { as: broken, input: 0.20, output: 0.60, context: 128k }
                  acme/slow: { as: slow, input: 0.20, output: 0.60, context: 128k }
                  acme/unpriced: { as: unpriced, context: 128k }
                  acme/gift: { as: gift, input: 0, output: 0, context: 128k }
                  {{Embedder}}: { as: embed, input: 0.02, output: 0, context: 8k, embeddings: true }
              cheap:
                url: {{Cheap.Url}}
                key: cheap-secret-key
                models:
                  {{Model}}: { as: chat, input: 0.10, output: 0.30, context: 128k, tools: true, structured: true, images: true }
                  acme/shaky: { as: shaky, input: 0.10, output: 0.30, context: 128k }
              broke: # of its own, since a provider that wants money is not asked again for a while
                url: {{Cheap.Url}}
                models:
                  acme/dear: { as: dear, input: 0.10, output: 0.30, context: 128k }
            dispatch: { heartbeat: 100ms }
            """);
        Key = await _fairlead.CreateKeyAsync("contract");
    }

    public async ValueTask DisposeAsync()
    {
        if (_fairlead is not null)
            await _fairlead.DisposeAsync();
        await Fast.DisposeAsync();
        await Cheap.DisposeAsync();
        await Liked.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>A chat; <paramref name="more"/> is spliced into the body as it stands.</summary>
    public Task<RawAnswer> ChatAsync(string model = Model, string more = "", string headers = "", string? key = null) =>
        RawHttp.PostAsync(Fairlead.Port, "/v1/chat/completions", key ?? Key, $$"""{"model":"{{model}}","messages":[{"role":"user","content":"hi"}]{{more}}}""", headers);

    /// <summary>Requests that any provider has seen.</summary>
    public int Asked => Fast.Requests.Count + Cheap.Requests.Count + Liked.Requests.Count;

    public Task<RawAnswer> PostAsync(string body, string path = "/v1/chat/completions") => RawHttp.PostAsync(Fairlead.Port, path, Key, body);

    /// <summary>Who answers a chat with this model, and by which policy.</summary>
    public async Task<(string? Provider, string? Policy)> ServedAsync(string model)
    {
        RawAnswer answer = await ChatAsync(model);
        return (answer.Header("x-inference-provider"), answer.Header("x-fairlead-policy"));
    }

    /// <summary>What the ledger says that the request was charged, in nano-dollars.</summary>
    public async Task<long> CostOfAsync(RawAnswer answer) =>
        (await RawHttp.GetAsync(Fairlead.Port, $"/v1/requests/{answer.Header("x-fairlead-request-id")}", Key)).Json.GetProperty("cost_nano_usd").GetInt64();
}
