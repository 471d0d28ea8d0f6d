using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Fairlead.Tests.Process;

/// <summary>A provider that always answers well: 11 tokens in, 7 out, streamed in a few pieces or whole. Who says "wait for it" gets the first word, and the rest when the test lets go; who says "let it fail" or "refuse my key" gets that.</summary>
internal sealed class PlainUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TaskCompletionSource _mayGoOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private PlainUpstream(WebApplication app) => _app = app;

    public string Url => _app.Urls.First() + "/v1";

    public static async Task<PlainUpstream> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static k => k.Listen(IPAddress.Loopback, 0, static l => l.Protocols = HttpProtocols.Http1));
        WebApplication app = builder.Build();
        var upstream = new PlainUpstream(app);
        app.MapPost("/v1/chat/completions", upstream.AnswerAsync);
        await app.StartAsync();
        return upstream;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    /// <summary>Lets the answers go on that wait for it.</summary>
    public void GoOn() => _mayGoOn.TrySetResult();

    /// <summary>Done when a request has come that waits.</summary>
    public Task Asked => _asked.Task;

    private async Task AnswerAsync(HttpContext http)
    {
        string body = await new StreamReader(http.Request.Body).ReadToEndAsync();
        if (body.Contains("let it fail", StringComparison.Ordinal) || body.Contains("refuse my key", StringComparison.Ordinal))
        {
            http.Response.StatusCode = body.Contains("let it fail", StringComparison.Ordinal) ? 500 : 401;
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync("{\"error\":{\"message\":\"as you wish\"}}");
            return;
        }
        if (!body.Contains("\"stream\":true", StringComparison.Ordinal))
        {
            if (body.Contains("wait for it", StringComparison.Ordinal))
                await LetGoAsync(http);
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync("{\"id\":\"c1\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"m1\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":7,\"total_tokens\":18}}");
            return;
        }
        http.Response.ContentType = "text/event-stream";
        foreach (string choices in new[]
        {
            "[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]", "[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"finish_reason\":null}]",
            "[{\"index\":0,\"delta\":{\"content\":\" there\"},\"finish_reason\":null}]", "[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]",
        })
        {
            await http.Response.WriteAsync($"data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m1\",\"choices\":{choices}}}\n\n");
            await http.Response.Body.FlushAsync();
            if (choices.Contains("\"Hi\"", StringComparison.Ordinal) && body.Contains("wait for it", StringComparison.Ordinal))
                await LetGoAsync(http);
        }
        await http.Response.WriteAsync("data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m1\",\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":7,\"total_tokens\":18}}\n\ndata: [DONE]\n\n");
    }

    private Task LetGoAsync(HttpContext http)
    {
        _asked.TrySetResult();
        return _mayGoOn.Task.WaitAsync(http.RequestAborted);
    }
}
