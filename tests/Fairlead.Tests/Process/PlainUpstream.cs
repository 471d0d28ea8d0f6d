using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Fairlead.Tests.Process;

/// <summary>A provider that always answers well: 11 tokens in, 7 out, streamed in a few pieces or whole.</summary>
internal sealed class PlainUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;

    private PlainUpstream(WebApplication app) => _app = app;

    public string Url => _app.Urls.First() + "/v1";

    public static async Task<PlainUpstream> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static k => k.Listen(IPAddress.Loopback, 0, static l => l.Protocols = HttpProtocols.Http1));
        WebApplication app = builder.Build();
        app.MapPost("/v1/chat/completions", AnswerAsync);
        await app.StartAsync();
        return new PlainUpstream(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static async Task AnswerAsync(HttpContext http)
    {
        string body = await new StreamReader(http.Request.Body).ReadToEndAsync();
        if (!body.Contains("\"stream\":true", StringComparison.Ordinal))
        {
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
        }
        await http.Response.WriteAsync("data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m1\",\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":7,\"total_tokens\":18}}\n\ndata: [DONE]\n\n");
    }
}
