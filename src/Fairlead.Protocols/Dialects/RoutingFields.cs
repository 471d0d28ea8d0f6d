using Fairlead.Domain.Problems;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Dialects;

/// <summary>Which model a request is for and how the caller wants its offers chosen: <c>model</c> and its selector, <c>models</c>, <c>provider</c>.
/// The same in every dialect.</summary>
internal sealed class RoutingFields(RequestLimits limits)
{
    private List<string>? _models;
    private ProviderWishes? _wishes;

    /// <summary>The model as the caller wrote it, selector included; null until it has been read.</summary>
    public string? Asked { get; private set; }

    /// <summary>Further models the caller consents to, in order.</summary>
    public IReadOnlyList<string> Fallbacks => _models ?? (IReadOnlyList<string>)[];

    public Problem? ReadModel(ref JsonCursor cursor)
    {
        Problem? problem = ValueReader.Text(ref cursor, "model", out string? model);
        if (problem is not null || model is null)
            return problem ?? new Problem(ProblemKind.FieldInvalid, "'model' is null; a model's name is expected. Name one of GET /v1/models.", "model");
        if (!ValueReader.IsName(model, limits.ModelLength))
        {
            return new Problem(ProblemKind.FieldInvalid,
                $"'model' must be a name of 1 to {limits.ModelLength} characters without spaces or control characters. Name one of GET /v1/models.", "model");
        }
        Asked = model;
        return null;
    }

    public Problem? ReadModels(ref JsonCursor cursor) => ValueReader.Names(ref cursor, "models", limits, out _models);

    public Problem? ReadProvider(ref JsonCursor cursor, ReadOnlySpan<byte> body) => ProviderWishes.Read(ref cursor, body, limits, out _wishes);

    /// <summary>Takes the models of another field that means the same as <c>models</c>.</summary>
    public void Take(List<string> models) => _models = models;

    /// <summary>Whether <c>models</c> names any.</summary>
    public bool HasFallbacks => _models is { Count: > 0 };

    public Problem? CheckModel() =>
        Asked is null ? new Problem(ProblemKind.FieldInvalid, "The field 'model' is missing. Name one of GET /v1/models.", "model") : null;

    /// <summary>Whether selector and wishes fit together; the model has been read.</summary>
    public Problem? CheckWishes()
    {
        string? provider = ModelSelector.Split(Asked!).Provider;
        if (provider is not null && _wishes is { Only.IsEmpty: false } wishes && !wishes.Only.Contains(provider, StringComparer.OrdinalIgnoreCase))
        {
            return new Problem(ProblemKind.FieldInvalid,
                $"The model asks for provider '{ValueReader.Show(provider)}' and 'provider.only' leaves it out. Drop one of the two.", "provider.only");
        }
        if (provider is not null && _wishes is { } others && others.Ignore.Contains(provider, StringComparer.OrdinalIgnoreCase))
        {
            return new Problem(ProblemKind.FieldInvalid,
                $"The model asks for provider '{ValueReader.Show(provider)}' and 'provider.ignore' excludes it. Drop one of the two.", "provider.ignore");
        }
        return null;
    }

    /// <summary>A pinned model has nothing to fall back on.</summary>
    /// <param name="named">The field that names the fallbacks.</param>
    public Problem? CheckFallbacks(string named) => ModelSelector.Split(Asked!).Policy == RoutePolicy.Provider && _models is not null
        ? new Problem(ProblemKind.FieldInvalid, $"A model pinned to one provider has no fallbacks: drop the ':provider' selector or the '{named}' list.", named)
        : null;

    /// <summary>The model without its selector, and what selector and wishes say together.</summary>
    public (string Model, RoutePreferences Preferences) Resolve()
    {
        (string model, RoutePolicy? policy, string? provider) = ModelSelector.Split(Asked!);
        if (policy is null && _wishes is null)
            return (model, RoutePreferences.Default);
        ProviderWishes wishes = _wishes ?? ProviderWishes.None;
        return (model, new RoutePreferences
        {
            Policy = policy ?? wishes.Sort ?? RoutePolicy.Fastest,
            Pinned = provider,
            Order = wishes.Order,
            Only = wishes.Only,
            Ignore = wishes.Ignore,
            AllowFallbacks = wishes.AllowFallbacks,
            RequireParameters = wishes.RequireParameters,
            MaxInputPrice = wishes.MaxInputPrice,
            MaxOutputPrice = wishes.MaxOutputPrice,
        });
    }
}
