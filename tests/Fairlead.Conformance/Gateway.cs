using System.Diagnostics;
using Fairlead.Conformance;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Keys;
using Fairlead.Shared;

[assembly: AssemblyFixture(typeof(Gateway))]

namespace Fairlead.Conformance;

/// <summary>The product and its scripted providers, started once for all clients.</summary>
public sealed class Gateway : IAsyncLifetime
{
    public const string ChatModel = "tiny/chat";
    public const string EmbeddingModel = "tiny/embed";

    public const string ClaudeModel = "tiny/claude";

    /// <summary>The caller that the clients of .NET are.</summary>
    public const string DotNet = "dotnet";

    /// <summary>Who asks the models that fail: the scripts of tests/clients, by name, and <see cref="DotNet"/>.</summary>
    private static readonly string[] Callers = ["openai", "openai-4", "huggingface", "vercel-ai", "vercel-ai-anthropic", "anthropic", "anthropic-0", DotNet];

    /// <summary>Each at a provider of its own, so that its circuit is.</summary>
    private static readonly (string Provider, string Model, string As)[] Claudes =
    [
        ("claude", ClaudeModel, AnthropicScript.ChatModel),
        .. Callers.SelectMany(static caller => new[]
        {
            ($"claude-broken-{caller}", BrokenModel(caller, Dialect.Anthropic), AnthropicScript.BrokenModel),
            ($"claude-flaky-{caller}", FlakyModel(caller, Dialect.Anthropic), AnthropicScript.FlakyModel),
            ($"claude-limited-{caller}", LimitedModel(caller, Dialect.Anthropic), AnthropicScript.LimitedModel),
        }),
        ("claude-long", "tiny/claude-long", AnthropicScript.ChatModel),
        ("claude-large", "tiny/claude-large", AnthropicScript.ChatModel),
        ("claude-gone", "tiny/claude-gone", AnthropicScript.ChatModel),
        ("claude-busy", "tiny/claude-busy", AnthropicScript.ChatModel),
    ];

    /// <inheritdoc cref="Claudes"/>
    private static readonly (string Provider, string Model, string As)[] Failing =
    [
        .. Callers.SelectMany(static caller => new[]
        {
            ($"broken-{caller}", BrokenModel(caller, Dialect.OpenAi), OpenAiScript.BrokenModel),
            ($"flaky-{caller}", FlakyModel(caller, Dialect.OpenAi), OpenAiScript.FlakyModel),
            ($"limited-{caller}", LimitedModel(caller, Dialect.OpenAi), OpenAiScript.LimitedModel),
        }),
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

    /// <summary>The model that always fails. Each caller has its own: a circuit that one caller's failures opened would answer the next in the provider's place.</summary>
    /// <param name="caller">Who asks it.</param>
    /// <param name="spoken">What its provider speaks.</param>
    internal static string BrokenModel(string caller, Dialect spoken) => Failingly("broken", caller, spoken);

    /// <summary>The model that fails the first time that something is asked.</summary>
    /// <inheritdoc cref="BrokenModel"/>
    internal static string FlakyModel(string caller, Dialect spoken) => Failingly("flaky", caller, spoken);

    /// <summary>The model that always says that it was asked too often.</summary>
    /// <inheritdoc cref="BrokenModel"/>
    internal static string LimitedModel(string caller, Dialect spoken) => Failingly("limited", caller, spoken);

    private static string Failingly(string how, string caller, Dialect spoken) => $"tiny/{(spoken is Dialect.Anthropic ? "claude-" : "")}{how}-{caller}";

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
        string failing = string.Join('\n', Failing.Select(one => $$"""
              {{one.Provider}}:
                url: {{_upstream.Url}}
                models:
                  {{one.Model}}: { as: {{one.As}}, input: 1, output: 2, context: 32K }
            """));
        _process = await FairleadProcess.StartAsync(
            $$"""
            providers:
              scripted:
                url: {{_upstream.Url}}
                models:
                  {{ChatModel}}: { as: {{OpenAiScript.ChatModel}}, input: 1, output: 2, context: 32K, tools: true, images: true, structured: true }
                  {{EmbeddingModel}}: { as: {{OpenAiScript.EmbeddingModel}}, input: 0.1, output: 0, embeddings: true }
            {{failing}}
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
