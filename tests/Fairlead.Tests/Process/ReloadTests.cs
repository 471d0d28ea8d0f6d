using System.Net;
using System.Text.Json;

namespace Fairlead.Tests.Process;

/// <summary>A configuration is changed under a running server: in force whole, or refused whole, and no request notices.</summary>
public sealed class ReloadTests : IAsyncLifetime
{
    private PlainUpstream _upstream = null!;
    private FairleadProcess _fairlead = null!;

    [Fact]
    public async Task Keys_providers_and_aliases_change_under_traffic_and_no_request_fails()
    {
        using HttpClient http = _fairlead.Client(Path.Combine("keys", "load"));
        using var stop = new CancellationTokenSource();
        Task<int>[] callers = [.. Enumerable.Range(0, 4).Select(_ => CallAsync(http, stop.Token))];

        string good = await File.ReadAllTextAsync(_fairlead.Config);
        string next = good
            .Replace("  load:", "  fresh: { rate: 600/min }\n  load:", StringComparison.Ordinal)
            .Replace("providers:", $"models:\n  plain: {{ try: [acme/chat], budget: $5/day }}\nproviders:\n  beta: {{ url: {_upstream.Url}, models: {{ acme/other: {{ input: 1, output: 2 }} }} }}", StringComparison.Ordinal);
        await WriteAsync(next, "changed: models, keys, providers.beta");
        using HttpClient fresh = _fairlead.Client(Path.Combine("keys", "fresh"));
        Assert.Equal(HttpStatusCode.OK, await ChatAsync(fresh, "plain"));
        Assert.Equal(HttpStatusCode.OK, await ChatAsync(fresh, "acme/other"));

        // Refused whole: the new alias is as wrong as the limit, and neither comes.
        await WriteAsync(
            next.Replace("  plain:", "  never: { try: [acme/chat] }\n  plain:", StringComparison.Ordinal) + "\nlimits: { running: none }",
            "the old one stays in force: fairlead.yaml line ");
        Assert.Equal(HttpStatusCode.BadRequest, await ChatAsync(fresh, "never"));
        Assert.Equal(HttpStatusCode.OK, await ChatAsync(fresh, "plain"));

        await WriteAsync(good.Replace("$1000000/day", "$0.000001/day", StringComparison.Ordinal).Replace("  load:", "  fresh: { rate: 600/min }\n  load:", StringComparison.Ordinal), "changed: models, keys, providers.beta", times: 2);
        Assert.Equal(HttpStatusCode.BadRequest, await ChatAsync(fresh, "plain"));
        Assert.Equal(HttpStatusCode.PaymentRequired, await ChatAsync(http, "acme/chat")); // what was spent counts against the new budget

        await stop.CancelAsync();
        int[] served = await Task.WhenAll(callers);
        Assert.All(served, static count => Assert.True(count > 0));
        Assert.True((await _fairlead.JsonAsync("ledger", "verify")).GetProperty("holds").GetBoolean());
    }

    [Fact]
    public async Task What_needs_a_restart_is_said_so()
    {
        string text = await File.ReadAllTextAsync(_fairlead.Config);
        await WriteAsync(text.Replace($"127.0.0.1:{_fairlead.Port}", "127.0.0.1:1", StringComparison.Ordinal) + "\njournal: { strict: true }", "changed: listen (needs a restart), journal (needs a restart)");
        using HttpClient http = _fairlead.Client(Path.Combine("keys", "load"));
        Assert.Equal(HttpStatusCode.OK, await ChatAsync(http, "acme/chat"));
    }

    public async ValueTask InitializeAsync()
    {
        _upstream = await PlainUpstream.StartAsync();
        _fairlead = new FairleadProcess($$"""
            providers:
              alpha: { url: {{_upstream.Url}}, models: { acme/chat: { as: m, input: 0.20, output: 0.60, context: 128k } } }
            keys:
              load: { budget: $1000000/day }
            """);
        await _fairlead.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _fairlead.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    /// <summary>Replaces the file as an editor does, and waits for the log to say what came of it.</summary>
    private async Task WriteAsync(string text, string said, int times = 1)
    {
        string draft = _fairlead.Config + ".new";
        await File.WriteAllTextAsync(draft, text);
        File.Move(draft, _fairlead.Config, overwrite: true);
        await _fairlead.SaidAsync(said, times);
    }

    /// <summary>Asks until it is told to stop, or its budget is over; how often it was served.</summary>
    private static async Task<int> CallAsync(HttpClient http, CancellationToken stop)
    {
        int served = 0;
        while (!stop.IsCancellationRequested)
        {
            HttpStatusCode status = await ChatAsync(http, "acme/chat");
            if (status == HttpStatusCode.PaymentRequired)
                return served;
            Assert.Equal(HttpStatusCode.OK, status);
            served++;
        }
        return served;
    }

    private static async Task<HttpStatusCode> ChatAsync(HttpClient http, string model)
    {
        using HttpResponseMessage response = await http.PostAsync("/v1/chat/completions", new StringContent(JsonSerializer.Serialize(new { model, messages = new[] { new { role = "user", content = "hi" } } })));
        return response.StatusCode;
    }
}
