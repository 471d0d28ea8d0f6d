using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Route = Fairlead.Domain.Inference.Route;

namespace Fairlead.Gateway.Door;

/// <summary>(1) Anthropic's surface, for both living generations of it: they differ in fields that are added or gone and nowhere else. Its list of models is
/// <see cref="ModelsDoor"/>'s; what it does not have is told by <see cref="UnknownRoute"/>.</summary>
/// <remarks>A query is taken for nothing: older clients send <c>?beta=true</c> with what newer ones decide by header alone.</remarks>
internal sealed class AnthropicDoor(RequestPath path)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/messages", (RequestDelegate)(http => path.RunAsync(http, Route.Messages)));
        routes.MapPost("/v1/messages/count_tokens", (RequestDelegate)(http => path.RunAsync(http, Route.CountTokens)));
    }
}
