using Fairlead.Domain.Ids;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Problems;
using Fairlead.Gateway.Identity;
using Fairlead.Gateway.Telemetry;
using Fairlead.Gateway.Metering;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Route = Fairlead.Domain.Inference.Route;

namespace Fairlead.Gateway.Door;

/// <summary>(1) The OpenAI surface, and what stands beside it on the data plane. What is refused is listed in docs/protocols/openai.md.</summary>
internal sealed class OpenAiDoor(
    RequestPath path, KeyAuthenticator authenticator, RequestLog requests, HealthReport health, PrometheusText metrics, LocalMetrics local)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/chat/completions", (RequestDelegate)(http => path.RunAsync(http, Route.Chat)));
        routes.MapPost("/v1/completions", (RequestDelegate)(http => path.RunAsync(http, Route.Completions)));
        routes.MapPost("/v1/embeddings", (RequestDelegate)(http => path.RunAsync(http, Route.Embeddings)));
        Get(routes, "/v1/requests/{id}", ShowRequest);
        Get(routes, "/health", ShowHealth);
        Get(routes, "/metrics", ShowMetrics);
    }

    /// <summary>HEAD is a GET whose body is not written (RFC 9110 §9.3.2).</summary>
    public static IReadOnlyList<string> Reading { get; } = [HttpMethods.Get, HttpMethods.Head];

    private static void Get(IEndpointRouteBuilder routes, string pattern, RequestDelegate answer) => routes.MapMethods(pattern, Reading, answer);

    private async Task ShowRequest(HttpContext http)
    {
        Caller? caller = authenticator.Authenticate(http, out Problem? problem);
        RequestClosed? closed = null;
        if (caller is not null)
        {
            string text = (string?)http.Request.RouteValues["id"] ?? "";
            // Another key's request is as unknown as one that never was: ids tell nothing.
            if (RequestId.TryParse(text, out RequestId id) && await requests.FindAsync(id, http.RequestAborted) is { } found && found.Key == caller.Key.Id)
                closed = found;
            else
                problem = new Problem(ProblemKind.RequestNotFound, "No request of this key has that id. Ids stand in the x-fairlead-request-id header of each answer.");
        }
        if (closed is null)
        {
            await ProblemMap.WriteAsync(http, problem!, http.TraceIdentifier);
            return;
        }
        await JsonAnswer.WriteAsync(http, StatusCodes.Status200OK, json => RequestDocument.Write(json, closed, caller!.Key.Name));
    }

    /// <summary>Anybody hears whether work is taken on; what ails which part, whoever is on this machine or shows a key.</summary>
    private Task ShowHealth(HttpContext http)
    {
        HealthReport.State state = health.Read();
        bool whole = IsHere(http) || authenticator.Authenticate(http, out _) is not null;
        return JsonAnswer.WriteAsync(http, state.CanServe ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable, whole ? state.Write : state.WriteStatus);
    }

    private static bool IsHere(HttpContext http) => http.Connection.RemoteIpAddress is { } address && System.Net.IPAddress.IsLoopback(address);

    /// <summary>Open to whoever is on this machine; others show a key. Metrics name providers and amounts, which are nobody else's business.</summary>
    private async Task ShowMetrics(HttpContext http)
    {
        if (!IsHere(http) && authenticator.Authenticate(http, out Problem? problem) is null)
        {
            await ProblemMap.WriteAsync(http, problem!, http.TraceIdentifier);
            return;
        }
        http.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        string page = await metrics.ScrapeAsync(http.RequestAborted);
        if (!HttpMethods.IsHead(http.Request.Method))
            await http.Response.WriteAsync(page + local.Write(), http.RequestAborted);
    }
}
