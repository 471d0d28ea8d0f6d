using Fairlead.Yard;

namespace Fairlead.Conformance.BadInput;

/// <summary>One gateway to throw things at.</summary>
public sealed class BadInputYard : IAsyncLifetime
{
    private FairleadProcess? _fairlead;

    public ScriptedUpstream Upstream { get; } = ScriptedUpstream.Start();

    public FairleadProcess Fairlead => _fairlead ?? throw new InvalidOperationException("Not started.");

    public string Key { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        Upstream.OnBoth("acme/chat", Script.GoodStream, Script.GoodWhole);
        Upstream.OnBoth("acme/fine", Script.GoodStream, Script.GoodWhole);
        Upstream.OnBoth("acme/held", "SSE\nHOLD", "JS\nHOLD");
        _fairlead = await FairleadProcess.StartAsync($$"""
            providers:
              alpha:
                dialect: openai
                url: {{Upstream.Url}}
                models:
                  acme/chat: { as: acme/chat, input: 0.20, output: 0.60, context: 128k }
                  acme/fine: { as: acme/fine, input: 0.20, output: 0.60, context: 128k, images: true }
                  acme/held: { as: acme/held, input: 0.20, output: 0.60, context: 128k }
                  acme/embed: { as: acme/embed, input: 0.02, output: 0, context: 8k, embeddings: true }
            """);
        Key = await _fairlead.CreateKeyAsync("bad");
    }

    public async ValueTask DisposeAsync()
    {
        if (_fairlead is not null)
            await _fairlead.DisposeAsync();
        await Upstream.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
