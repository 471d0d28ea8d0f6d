using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Fairlead.Gateway.Door;

/// <summary>Answers what no door takes: a verb that a path does not have (405 with <c>Allow</c>), and a path that there is not (404).</summary>
internal static class UnknownRoute
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapFallback(Refuse);

    private static Task Refuse(HttpContext http)
    {
        string method = http.Request.Method;
        string asked = http.Request.Path.Value is { Length: <= 100 } p && !p.AsSpan().ContainsAnyExceptInRange('!', '~') ? p : "this path";
        Problem problem;
        if (Allow(asked.TrimEnd('/').ToLowerInvariant()) is { } allow) // routing takes a slash behind a path, and the case of letters, for nothing
        {
            http.Response.Headers.Allow = allow;
            problem = new Problem(ProblemKind.MethodNotAllowed, $"Not allowed to {method} on {asked}. Use {allow.Split(',')[0]}.");
        }
        else if (DoorDialect.Of(http.Request) == Dialect.Anthropic)
        {
            problem = new Problem(ProblemKind.RouteUnknown,
                $"{method} {asked} is not served here. Of Anthropic's API this server has messages, messages/count_tokens and models under /v1; {Hint(asked)}");
        }
        else
        {
            problem = new Problem(ProblemKind.RouteUnknown,
                $"Invalid URL ({method} {asked}). This server answers under /v1 (chat/completions, completions, embeddings, messages, models, requests), /health and /metrics; check the base URL.");
        }
        return ProblemMap.WriteAsync(http, problem, http.TraceIdentifier).AsTask();
    }

    private static string? Allow(string path) => path switch
    {
        "/v1/chat/completions" or "/v1/completions" or "/v1/embeddings" or "/v1/messages" or "/v1/messages/count_tokens" => "POST, OPTIONS",
        "/health" or "/metrics" or "/v1/models" => "GET, HEAD, OPTIONS",
        _ when path.StartsWith("/v1/models/", StringComparison.Ordinal) || path.StartsWith("/v1/requests/", StringComparison.Ordinal) => "GET, HEAD, OPTIONS",
        _ => null,
    };

    private static string Hint(string path) =>
        path.StartsWith("/v1/messages/batches", StringComparison.OrdinalIgnoreCase) ? "send each request of a batch to /v1/messages."
        : path.StartsWith("/v1/v1/", StringComparison.OrdinalIgnoreCase) ? "leave /v1 out of the client's base URL, it adds its own."
        : "batches, files, skills and administration stay with Anthropic.";
}
