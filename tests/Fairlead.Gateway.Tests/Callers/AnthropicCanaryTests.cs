using System.Text;
using System.Text.Json;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Callers;

/// <summary>What Anthropic's callers send, and what is answered to them, is in no log, metric, record or file, at the most talkative log level; and no header of an
/// upstream's comes through.</summary>
public sealed class AnthropicCanaryTests : IAsyncLifetime
{
    private const string Canary = "CANARY";
    private readonly FaultWall _wall = new();
    private readonly EveryLine _log = new();
    private GatewayYard _yard = null!;

    [Fact]
    public async Task Nothing_of_a_message_or_its_answer_stays_anywhere()
    {
        const string Said = "CANARYsaid";
        const string Leak = "wrong: sk-ant-api03-CANARYaB1cD2eF3gH4iJ5kL";
        (string Model, FaultWall.Script Script)[] fates =
        [
            ("m0", AnthropicScripts.Good(Said)),
            ("m1", AnthropicScripts.Error(400, "invalid_request_error", Leak)),
            ("m2", AnthropicScripts.Error(401, "authentication_error", Leak)),
            ("m3", AnthropicScripts.Error(500, "api_error", Leak)),
            ("m4", Scripts.Stream(AnthropicScripts.Start, AnthropicScripts.Text(Said), $"event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"overloaded_error\",\"message\":\"{Leak}\"}}}}\n\n")),
            ("m5", Scripts.Stream(AnthropicScripts.Start, AnthropicScripts.Text(Said))),
        ];
        var seen = new StringBuilder();
        foreach ((string model, FaultWall.Script script) in fates)
        {
            _wall.On(model, script);
            foreach (string path in new[] { "/v1/messages?beta=true&key=CANARYquery", "/v1/messages/count_tokens?key=CANARYquery" })
                seen.AppendLine(await SendAsync(path, Body("acme/" + model, model is "m0" or "m4" or "m5")));
            seen.AppendLine(await SendAsync("/v1/messages", Body("acme/" + model, stream: false), ("idempotency-key", "CANARYkey" + model)));
        }
        foreach (string wrong in new[] { "{\"model\":\"acme/m0\",\"max_tokens\":1,\"messages\":\"CANARYbody\"}", "CANARYbody", "{\"model\":\"acme/m0\",\"max_tokens\":1,\"messages\":[],\"CANARYfield\":1,\"CANARYfield\":2}" })
            await SendAsync("/v1/messages", wrong);
        foreach (string key in new[] { "sk-ant-api03-CANARYaB1cD2eF3", "hf_FLCANARYaB1cD2eF3gH4iJ5kL6mN7oP8qR9" })
        {
            using HttpClient stranger = _yard.Client();
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages") { Content = new StringContent("{}") };
            request.Headers.Add("x-api-key", key);
            using HttpResponseMessage response = await stranger.SendAsync(request);
            seen.AppendLine(response.Headers.ToString()).AppendLine(await response.Content.ReadAsStringAsync());
        }
        (_, JsonElement requests) = await _yard.AdminAsync(HttpMethod.Get, "/api/requests?limit=1000");
        Assert.Equal(fates.Length * 2, requests.GetArrayLength() - 3); // the three that were wrong are there too, the counts are not
        seen.AppendLine(requests.GetRawText());
        foreach (JsonElement request in requests.EnumerateArray())
            seen.AppendLine((await _yard.AdminAsync(HttpMethod.Get, "/api/requests/" + request.GetProperty("id").GetString())).Json.GetRawText());
        seen.AppendLine(await _yard.Http.GetStringAsync("/metrics")).AppendLine(string.Join('\n', _log.Lines));
        Assert.NotEmpty(_log.Lines);

        Clean("what went out", seen.ToString().Replace(Said, "", StringComparison.Ordinal)); // the answer itself is the caller's
        Clean("the log", string.Join('\n', _log.Lines));
        foreach (string file in Directory.EnumerateFiles(_yard.Folder, "*", SearchOption.AllDirectories).Where(static f => Path.GetFileName(f) is not ("lock" or "control.sock")))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            Clean(file, await reader.ReadToEndAsync());
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_header_of_an_upstreams_comes_through(bool stream)
    {
        string body = stream ? AnthropicScripts.Start + AnthropicScripts.Text("x") + AnthropicScripts.End : AnthropicScripts.Whole("x");
        _wall.On("m0", Scripts.Status(200, body,
            "request-id: req_up\r\nanthropic-organization-id: CANARY\r\nanthropic-workspace-id: CANARY\r\nanthropic-ratelimit-requests-remaining: 7777\r\nset-cookie: a=CANARY\r\nserver: CANARY\r\ncf-ray: CANARY\r\n",
            stream ? "text/event-stream" : "application/json"));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages") { Content = new StringContent(Body("acme/m0", stream)) };
        using HttpResponseMessage response = await _yard.Http.SendAsync(request);
        string answer = await response.Content.ReadAsStringAsync();
        Assert.True((int)response.StatusCode == 200, answer);
        string headers = response.Headers + response.Content.Headers.ToString();
        Assert.DoesNotContain(Canary, headers, StringComparison.Ordinal);
        Assert.DoesNotContain("7777", headers, StringComparison.Ordinal);
        Assert.Equal(response.Headers.GetValues("x-fairlead-request-id").Single(), response.Headers.GetValues("request-id").Single());
        JsonElement record = (await _yard.AdminAsync(HttpMethod.Get, "/api/requests/" + response.Headers.GetValues("request-id").Single())).Json;
        Assert.Equal("req_up", record.GetProperty("attempts")[0].GetProperty("upstream_request_id").GetString()); // it is kept for whoever has to ask the provider
    }

    public async ValueTask InitializeAsync() =>
        // A provider for each model, so that one's refused credential does not end the others.
        _yard = await GatewayYard.StartAsync(
            Enumerable.Range(0, 6).Select(i => AnthropicScripts.Provider("wall" + i, _wall.Url, "m" + i) with { Key = new Secret("sk-ant-CANARYprovider" + i) }),
            static settings => settings with { Dispatch = settings.Dispatch with { Attempts = 1 } }, loggers: _log);

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _wall.DisposeAsync();
        _log.Dispose();
    }

    private async Task<string> SendAsync(string path, string body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body) };
        foreach ((string name, string value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        foreach (string name in new[] { "cookie", "x-custom", "referer", "anthropic-workspace-id", "anthropic-user-profile-id", "anthropic-beta" })
            request.Headers.TryAddWithoutValidation(name, "CANARYheader");
        using HttpResponseMessage response = await _yard.Http.SendAsync(request);
        return response.Headers + await response.Content.ReadAsStringAsync();
    }

    private static string Body(string model, bool stream) =>
        $"{{\"model\":\"{model}\",\"max_tokens\":16,\"stream\":{(stream ? "true" : "false")},\"system\":\"CANARYsystem\",\"metadata\":{{\"user_id\":\"CANARYuser\"}},"
        + "\"tools\":[{\"name\":\"CANARYtool\",\"input_schema\":{\"type\":\"object\"}}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"CANARYprompt\"}]},"
        + "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"CANARYthought\",\"signature\":\"CANARYsig\"},{\"type\":\"tool_use\",\"id\":\"toolu_CANARY\",\"name\":\"CANARYtool\",\"input\":{}}]},"
        + "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"toolu_CANARY\",\"content\":\"CANARYresult\"}]}]}";

    private void Clean(string where, string text)
    {
        foreach (string canary in new[] { Canary, _yard.KeyOf("rich")[5..] })
        {
            if (canary != Canary && Path.GetFileName(where) == "rich")
                continue; // the file that hands the key over
            int at = text.IndexOf(canary, StringComparison.Ordinal);
            Assert.True(at < 0, $"{where}: …{text[Math.Max(0, at - 60)..Math.Min(text.Length, Math.Max(0, at) + 60)]}…");
        }
    }
}
