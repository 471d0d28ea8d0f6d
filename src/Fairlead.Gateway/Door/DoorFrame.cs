using Fairlead.Domain.Ids;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Gateway.Catalogue;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Fairlead.Gateway.Door;

/// <summary>What is about HTTP itself and holds for every route: an id on each answer, the host it came by, and browsers of other origins.</summary>
internal static class DoorFrame
{
    public static Task RunAsync(HttpContext http, LiveDeployment live, TimeProvider time, RequestDelegate next)
    {
        string id = RequestId.New(time.GetUtcNow()).ToString();
        http.TraceIdentifier = id;
        http.Response.Headers["x-request-id"] = id;
        if (DoorDialect.Of(http.Request) == Dialect.Anthropic)
            http.Response.Headers["request-id"] = id; // the one that Anthropic's clients read
        http.Response.Headers["x-fairlead-request-id"] = id;
        if (!IsFramedPlainly(http.Request))
        {
            http.Response.Headers.Connection = "close";
            return ProblemMap.WriteAsync(http, new Problem(ProblemKind.HeadMalformed,
                "Two servers might end this request at two places. Send a Content-Length, or 'Transfer-Encoding: chunked' once and alone, and never both."), id).AsTask();
        }
        Settings.GatewaySettings settings = live.Current.Settings;
        if (!HostGuard.Allows(http, settings))
        {
            return ProblemMap.WriteAsync(http, new Problem(ProblemKind.HostNotAllowed,
                "This server does not answer to that host name. Use its address, or add the name under 'hosts' in the configuration."), id).AsTask();
        }
        Cors.Mark(http, settings.CorsOrigins);
        if (HttpMethods.IsOptions(http.Request.Method))
        {
            Cors.AnswerPreflight(http);
            return Task.CompletedTask;
        }
        return next(http);
    }

    /// <summary>Kestrel takes any list of codings that ends in <c>chunked</c>, and of a length beside it makes <c>X-Content-Length</c> (RFC 9112 §6.3 allows
    /// it). Whoever sends such a thing is broken or smuggles, and what stands before us may have read it otherwise.</summary>
    private static bool IsFramedPlainly(HttpRequest request)
    {
        StringValues codings = request.Headers.TransferEncoding;
        return codings.Count == 0
            || (codings.Count == 1 && codings[0].AsSpan().Trim(" \t").Equals("chunked", StringComparison.OrdinalIgnoreCase)
                && request.ContentLength is null && !request.Headers.ContainsKey("X-Content-Length"));
    }
}
