using Fairlead.Domain.Routing;

namespace Fairlead.Protocols.Dialects;

/// <summary>Splits <c>owner/name:selector</c>: the last colon, where it comes after the last slash.</summary>
public static class ModelSelector
{
    /// <summary>The model's name and the preferences that its selector states; no selector means <see cref="RoutePolicy.Fastest"/>.</summary>
    public static (string Model, RoutePolicy? Policy, string? Provider) Split(string asked)
    {
        int colon = asked.LastIndexOf(':');
        if (colon <= 0 || colon < asked.LastIndexOf('/') || colon == asked.Length - 1)
            return (asked, null, null);
        string model = asked[..colon];
        string selector = asked[(colon + 1)..];
        return selector.ToLowerInvariant() switch
        {
            "fastest" => (model, RoutePolicy.Fastest, null),
            "cheapest" => (model, RoutePolicy.Cheapest, null),
            "preferred" => (model, RoutePolicy.Preferred, null),
            _ => (model, RoutePolicy.Provider, selector),
        };
    }
}
