using System.Collections.Frozen;

namespace Fairlead.Gateway.Catalogue;

/// <summary>Who sells a model that no configured provider offers.</summary>
/// <param name="Providers">Their names, a few of them, for a message.</param>
/// <param name="Variable">The environment variable that would add the first.</param>
internal sealed record Sellers(string Providers, string Variable);

/// <summary>A model that no configured provider offers and that nobody else sells any more.</summary>
/// <param name="Provider">Who had it.</param>
/// <param name="On">When it was withdrawn; null where the sheet does not say.</param>
/// <param name="Successor">That provider's id of the model in its place; null where none is known.</param>
internal sealed record Withdrawn(string Provider, DateOnly? On, string? Successor);

/// <summary>Models that the price sheet knows and this server does not offer: asking for one gets an answer that helps.</summary>
internal sealed class KnownModels(FrozenDictionary<string, Sellers> sold, FrozenDictionary<string, Withdrawn> withdrawn)
{
    public static KnownModels None { get; } = new(FrozenDictionary<string, Sellers>.Empty, FrozenDictionary<string, Withdrawn>.Empty);

    public Sellers? Find(string name) => sold.GetValueOrDefault(name);

    public Withdrawn? FindWithdrawn(string name) => withdrawn.GetValueOrDefault(name);
}
