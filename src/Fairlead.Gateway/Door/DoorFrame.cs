using Fairlead.Domain.Ids;
using Fairlead.Domain.Problems;
using Fairlead.Gateway.Catalogue;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway.Door;

/// <summary>What is about HTTP itself and holds for every route: an id on each answer, the host it came by, and browsers of other origins.</summary>
internal static class DoorFrame
{
    public static Task RunAsync(HttpContext http, LiveDeployment live, TimeProvider time, RequestDelegate next)
    {
        string id = RequestId.New(time.GetUtcNow()).ToString();
        http.Response.Headers["x-request-id"] = id;
        http.Response.Headers["x-fairlead-request-id"] = id;
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
}
