using Fairlead.Domain.Ids;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Problems;
using Fairlead.Gateway.Catalogue;
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
    RequestPath path, LiveDeployment live, KeyAuthenticator authenticator, RequestLog requests, HealthReport health, PrometheusText metrics, LocalMetrics local, TimeProvider time)
{
    private readonly DateTimeOffset _startedAt = time.GetUtcNow();

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/chat/completions", (RequestDelegate)(http => path.RunAsync(http, Route.Chat)));
        routes.MapPost("/v1/completions", (RequestDelegate)(http => path.RunAsync(http, Route.Completions)));
        routes.MapPost("/v1/embeddings", (RequestDelegate)(http => path.RunAsync(http, Route.Embeddings)));
        Get(routes, "/v1/models", ListModels);
        Get(routes, "/v1/models/{**id}", ShowModel);
        Get(routes, "/v1/requests/{id}", ShowRequest);
        Get(routes, "/health", ShowHealth);
        Get(routes, "/metrics", ShowMetrics);
        routes.MapFallback(Unknown);
    }

    /// <summary>HEAD is a GET whose body is not written (RFC 9110 §9.3.2).</summary>
    private static void Get(IEndpointRouteBuilder routes, string pattern, RequestDelegate answer) =>
        routes.MapMethods(pattern, [HttpMethods.Get, HttpMethods.Head], answer);

    private Task ListModels(HttpContext http) =>
        JsonAnswer.WriteAsync(http, StatusCodes.Status200OK, json => ModelsDocument.WriteList(json, live.Current, _startedAt));

    private Task ShowModel(HttpContext http)
    {
        // The id holds a slash; clients send it plain or as %2F, and routing has undone neither the second nor its like.
        string id = Uri.UnescapeDataString((string?)http.Request.RouteValues["id"] ?? "").TrimEnd('/');
        if (id.Length == 0)
            return ListModels(http); // /v1/models/
        Deployment deployment = live.Current;
        if (deployment.Catalogue.Find(id) is null && deployment.Catalogue.FindAlias(id) is null)
        {
            return ProblemMap.WriteAsync(http, new Problem(ProblemKind.ModelUnlisted,
                RouteRefusals.Bound($"No model called '{id}' is listed here. List: GET /v1/models."), "model"), RequestIdOf(http)).AsTask();
        }
        return JsonAnswer.WriteAsync(http, StatusCodes.Status200OK, json => ModelsDocument.TryWriteOne(json, id, deployment, _startedAt));
    }

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
            await ProblemMap.WriteAsync(http, problem!, RequestIdOf(http));
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
            await ProblemMap.WriteAsync(http, problem!, RequestIdOf(http));
            return;
        }
        http.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        string page = await metrics.ScrapeAsync(http.RequestAborted);
        if (!HttpMethods.IsHead(http.Request.Method))
            await http.Response.WriteAsync(page + local.Write(), http.RequestAborted);
    }

    private static Task Unknown(HttpContext http)
    {
        string method = http.Request.Method;
        string asked = http.Request.Path.Value is { Length: <= 200 } p && !p.AsSpan().ContainsAnyExceptInRange('!', '~') ? p : "this path";
        string? allow = asked.TrimEnd('/') switch // routing takes a slash behind a path for nothing
        {
            "/v1/chat/completions" or "/v1/completions" or "/v1/embeddings" => "POST, OPTIONS",
            "/health" or "/metrics" or "/v1/models" => "GET, HEAD, OPTIONS",
            var path when path.StartsWith("/v1/models/", StringComparison.Ordinal) || path.StartsWith("/v1/requests/", StringComparison.Ordinal) => "GET, HEAD, OPTIONS",
            _ => null,
        };
        Problem problem;
        if (allow is not null)
        {
            http.Response.Headers.Allow = allow;
            problem = new Problem(ProblemKind.MethodNotAllowed, $"Not allowed to {method} on {asked}. Use {allow.Split(',')[0]}.");
        }
        else
        {
            problem = new Problem(ProblemKind.RouteUnknown,
                $"Invalid URL ({method} {asked}). This server answers under /v1 (chat/completions, completions, embeddings, models, requests), /health and /metrics; check the base URL.");
        }
        return ProblemMap.WriteAsync(http, problem, RequestIdOf(http)).AsTask();
    }

    private static string RequestIdOf(HttpContext http) => http.Response.Headers["x-request-id"].ToString();
}
