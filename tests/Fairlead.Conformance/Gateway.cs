using System.Diagnostics;
using Fairlead.Conformance;
using Fairlead.Domain.Keys;
using Fairlead.Shared;

[assembly: AssemblyFixture(typeof(Gateway))]

namespace Fairlead.Conformance;

/// <summary>The product and its scripted providers, started once for all clients.</summary>
public sealed class Gateway : IAsyncLifetime
{
    public const string ChatModel = "tiny/chat";
    public const string BrokenModel = "tiny/broken";
    public const string FlakyModel = "tiny/flaky";
    public const string LimitedModel = "tiny/limited";
    public const string EmbeddingModel = "tiny/embed";

    public const string ClaudeModel = "tiny/claude";

    /// <summary>Each at a provider of its own, so that its circuit is.</summary>
    private static readonly (string Provider, string Model, string As)[] Claudes =
    [
        ("claude", ClaudeModel, AnthropicScript.ChatModel),
        ("claude-broken", "tiny/claude-broken", AnthropicScript.BrokenModel),
        ("claude-flaky", "tiny/claude-flaky", AnthropicScript.FlakyModel),
        ("claude-limited", "tiny/claude-limited", AnthropicScript.LimitedModel),
        ("claude-long", "tiny/claude-long", AnthropicScript.ChatModel),
        ("claude-large", "tiny/claude-large", AnthropicScript.ChatModel),
        ("claude-gone", "tiny/claude-gone", AnthropicScript.ChatModel),
        ("claude-busy", "tiny/claude-busy", AnthropicScript.ChatModel),
    ];

    private ScriptedUpstream? _upstream;
    private ScriptedUpstream? _anthropic;
    private FairleadProcess? _process;

    internal ScriptedUpstream Upstream => _upstream!;

    /// <summary>The provider that speaks Anthropic's dialect.</summary>
    internal ScriptedUpstream Anthropic => _anthropic!;

    /// <summary>How many callers the providers have seen go.</summary>
    internal int HangUps => Upstream.HangUps + Anthropic.HangUps;

    internal FairleadProcess Process => _process!;

    /// <summary>A key whose budget is too small for anything.</summary>
    internal string PoorKey => File.ReadAllText(Path.Combine(Process.DataFolder, "keys", "poor")).Trim();

    /// <summary>Well formed, but no key of this server.</summary>
    internal static string WrongKey { get; } = ApiKey.Create(static bytes => bytes.Fill(7)).Reveal();

    public async ValueTask InitializeAsync()
    {
        _upstream = new ScriptedUpstream((request, reply) => ProvidersDoor.AnswerAsync(Upstream, request, reply, OpenAiScript.AnswerAsync));
        _anthropic = new ScriptedUpstream((request, reply) => ProvidersDoor.AnswerAsync(Anthropic, request, reply, AnthropicScript.AnswerAsync));
        Uri anthropic = new(_anthropic.Url, "/");
        string claudes = string.Join('\n', Claudes.Select(claude => $$"""
              {{claude.Provider}}:
                dialect: anthropic
                url: {{anthropic}}
                key: {{AnthropicScript.Key}}
                models:
                  {{claude.Model}}: { as: {{claude.As}}, input: 1, output: 2, context: 200K, tools: true, images: true, structured: true }
            """));
        _process = await FairleadProcess.StartAsync(
            $$"""
            providers:
              scripted:
                url: {{_upstream.Url}}
                models:
                  {{ChatModel}}: { as: {{OpenAiScript.ChatModel}}, input: 1, output: 2, context: 32K, tools: true, images: true, structured: true }
                  {{EmbeddingModel}}: { as: {{OpenAiScript.EmbeddingModel}}, input: 0.1, output: 0, embeddings: true }
              broken: # of its own, so that its circuit is
                url: {{_upstream.Url}}
                models:
                  {{BrokenModel}}: { as: {{OpenAiScript.BrokenModel}}, input: 1, output: 2, context: 32K }
              flaky:
                url: {{_upstream.Url}}
                models:
                  {{FlakyModel}}: { as: {{OpenAiScript.FlakyModel}}, input: 1, output: 2, context: 32K }
              limited:
                url: {{_upstream.Url}}
                models:
                  {{LimitedModel}}: { as: {{OpenAiScript.LimitedModel}}, input: 1, output: 2, context: 32K }
            {{claudes}}
            dispatch: { heartbeat: 100ms }
            keys:
              poor: { budget: $0.000001/day }
            """,
            TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        if (_upstream is not null)
            await _upstream.DisposeAsync();
        if (_anthropic is not null)
            await _anthropic.DisposeAsync();
    }

    /// <summary>Waits until the providers have seen as many callers go as <paramref name="count"/>.</summary>
    internal async Task HungUpAsync(int count)
    {
        long began = Stopwatch.GetTimestamp();
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (HangUps < count)
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < Local.LocalYard.Patience, $"The providers saw {HangUps} callers go, not {count}.\n{Process.Output}");
            await poll.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }
}
