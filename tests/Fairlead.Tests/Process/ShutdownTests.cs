using System.Diagnostics;
using System.Net;
using System.Text.Json;

namespace Fairlead.Tests.Process;

/// <summary>S-01 and S-02: a server that is told to stop finishes what it has begun, takes on nothing new, and says so where it cannot.</summary>
public sealed class ShutdownTests : IAsyncLifetime
{
    private PlainUpstream _upstream = null!;

    [Theory]
    [InlineData("TERM", true)]
    [InlineData("TERM", false)]
    [InlineData("INT", true)]
    public async Task An_answer_under_way_is_finished_nothing_new_is_taken_on_and_the_exit_code_is_zero(string signal, bool stream)
    {
        await using FairleadProcess fairlead = await StartAsync("2m");
        using HttpClient http = fairlead.Client();
        Task<string> answer = await AskAsync(http, stream);

        long began = Stopwatch.GetTimestamp();
        await fairlead.SignalAsync(signal);
        using (HttpResponseMessage health = await UntilAsync(() => http.GetAsync("/health"), static r => r.StatusCode == HttpStatusCode.ServiceUnavailable))
            Assert.Contains("\"draining\"", await health.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using (HttpResponseMessage refused = await http.PostAsync("/v1/chat/completions", Body(false, "hello")))
        {
            Assert.Equal("draining", await CodeAsync(refused));
            Assert.True(refused.Headers.ConnectionClose);
            Assert.NotNull(refused.Headers.RetryAfter);
        }
        // A library that gives a process two seconds after its first signal once cut every drain short: go beyond them.
        while (Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(2.5))
            Assert.False(answer.IsCompleted, fairlead.Said);
        _upstream.GoOn();
        string text = await answer;
        Assert.Contains(stream ? "data: [DONE]" : "\"Hi\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("error", text, StringComparison.Ordinal);
        Assert.Equal(0, await fairlead.ExitAsync());
        Assert.Contains("requests under way: 1", fairlead.Said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_cannot_be_finished_in_time_is_told_so_and_settled(bool stream)
    {
        await using FairleadProcess fairlead = await StartAsync("1s");
        using HttpClient http = fairlead.Client();
        Task<string> answer = await AskAsync(http, stream);
        Assert.Equal(0, await fairlead.StopAsync());
        await AssertCutOffAsync(fairlead, await answer, stream);
    }

    [Fact]
    public async Task A_second_signal_ends_the_wait_with_the_same_words()
    {
        await using FairleadProcess fairlead = await StartAsync("10m");
        using HttpClient http = fairlead.Client();
        Task<string> answer = await AskAsync(http, stream: true);
        await fairlead.SignalAsync("TERM");
        using (await UntilAsync(() => http.GetAsync("/health"), static r => r.StatusCode == HttpStatusCode.ServiceUnavailable))
        {
        }
        await fairlead.SignalAsync("INT");
        Assert.Equal(0, await fairlead.ExitAsync().WaitAsync(FairleadProcess.Patience)); // two seconds on a machine of its own, and never the ten minutes
        await AssertCutOffAsync(fairlead, await answer, stream: true);
    }

    public async ValueTask InitializeAsync() => _upstream = await PlainUpstream.StartAsync();

    public ValueTask DisposeAsync() => _upstream.DisposeAsync();

    private async Task<FairleadProcess> StartAsync(string drain)
    {
        var fairlead = new FairleadProcess($$"""
            providers:
              alpha: { url: {{_upstream.Url}}, models: { acme/chat: { as: m, input: 0.20, output: 0.60, context: 128k } } }
            limits: { drain: {{drain}} }
            """);
        await fairlead.StartAsync();
        return fairlead;
    }

    /// <summary>Asks, and returns when the answer is under way: a stream has begun, or the provider has the request.</summary>
    private async Task<Task<string>> AskAsync(HttpClient http, bool stream)
    {
        Task<HttpResponseMessage> begun = http.SendAsync(
            new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = Body(stream, "wait for it") }, HttpCompletionOption.ResponseHeadersRead);
        await (stream ? begun : _upstream.Asked);
        return ReadAsync();

        async Task<string> ReadAsync()
        {
            using HttpResponseMessage response = await begun;
            return await response.Content.ReadAsStringAsync();
        }
    }

    private static StringContent Body(bool stream, string text) =>
        new($"{{\"model\":\"acme/chat\",\"stream\":{(stream ? "true" : "false")},\"messages\":[{{\"role\":\"user\",\"content\":\"{text}\"}}]}}");

    private static async Task AssertCutOffAsync(FairleadProcess fairlead, string text, bool stream)
    {
        Assert.Contains("\"code\":\"draining\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
        await fairlead.StartAsync();
        JsonElement line = Assert.Single((await fairlead.JsonAsync("requests")).EnumerateArray(), static l => l.GetProperty("end_reason").GetString() == "draining");
        Assert.Equal(stream ? 200 : 503, line.GetProperty("status").GetInt32());
        Assert.True((await fairlead.JsonAsync("ledger", "verify")).GetProperty("holds").GetBoolean());
    }

    private static async Task<string?> CodeAsync(HttpResponseMessage response) =>
        JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error").GetProperty("code").GetString();

    private static async Task<HttpResponseMessage> UntilAsync(Func<Task<HttpResponseMessage>> ask, Func<HttpResponseMessage, bool> holds)
    {
        using var deadline = new CancellationTokenSource(FairleadProcess.Patience);
        while (true)
        {
            HttpResponseMessage response = await ask();
            if (holds(response))
                return response;
            response.Dispose();
            deadline.Token.ThrowIfCancellationRequested();
        }
    }
}
