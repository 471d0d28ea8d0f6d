using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Gateway.Catalogue;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Fairlead.Gateway.Door;

/// <summary>(1) The models, on the one path that both dialects have for them: in Anthropic's shape for whoever sends <c>anthropic-version</c>, in Hugging Face's,
/// which OpenAI's clients read, for everybody else. No key is needed.</summary>
internal sealed class ModelsDoor(LiveDeployment live, TimeProvider time)
{
    private readonly DateTimeOffset _startedAt = time.GetUtcNow();

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/v1/models", OpenAiDoor.Reading, (RequestDelegate)List);
        routes.MapMethods("/v1/models/{**id}", OpenAiDoor.Reading, (RequestDelegate)Show);
    }

    private Task List(HttpContext http)
    {
        Deployment deployment = live.Current;
        if (DoorDialect.Of(http.Request) == Dialect.OpenAi)
            return JsonAnswer.WriteAsync(http, StatusCodes.Status200OK, json => ModelsDocument.WriteList(json, deployment, _startedAt));
        ModelsQuery? query = ModelsQuery.Read(http.Request.Query, out Problem? problem);
        ModelsPage? page = query is null ? null : AnthropicModels.Page(deployment, query, Today, out problem);
        return page is null
            ? ProblemMap.WriteAsync(http, problem!, http.TraceIdentifier).AsTask()
            : JsonAnswer.WriteAsync(http, StatusCodes.Status200OK, page.Write);
    }

    private Task Show(HttpContext http)
    {
        // The id holds a slash; clients send it plain or as %2F, and routing has undone neither the second nor its like.
        string id = Uri.UnescapeDataString((string?)http.Request.RouteValues["id"] ?? "").TrimEnd('/');
        if (id.Length == 0)
            return List(http); // /v1/models/
        Deployment deployment = live.Current;
        bool anthropic = DoorDialect.Of(http.Request) == Dialect.Anthropic;
        if (anthropic && AnthropicModels.Find(deployment, id, Today) is { } listed)
            return JsonAnswer.WriteAsync(http, StatusCodes.Status200OK, listed.Write);
        if (!anthropic && (deployment.Catalogue.Find(id) is not null || deployment.Catalogue.FindAlias(id) is not null))
            return JsonAnswer.WriteAsync(http, StatusCodes.Status200OK, json => ModelsDocument.TryWriteOne(json, id, deployment, _startedAt));
        string named = id.Length <= LongestName ? id : string.Concat(id.AsSpan(0, LongestName), "…");
        return ProblemMap.WriteAsync(http,
            new Problem(ProblemKind.ModelUnlisted, RouteRefusals.Bound($"No model called '{named}' is listed here. List: GET /v1/models."), "model") { Model = named },
            http.TraceIdentifier).AsTask();
    }

    /// <summary>As much of an unknown name as is repeated.</summary>
    private const int LongestName = 200;

    private DateOnly Today => DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
}
