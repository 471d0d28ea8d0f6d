using System.Collections.Frozen;

namespace Fairlead.Gateway.Catalogue;

/// <summary>Who sells a model that no configured provider offers.</summary>
/// <param name="Providers">Their names, a few of them, for a message.</param>
/// <param name="Variable">The environment variable that would add the first.</param>
internal sealed record Sellers(string Providers, string Variable);

/// <summary>Models that the price sheet knows and this server does not offer: asking for one gets an answer that helps.</summary>
internal sealed class KnownModels(FrozenDictionary<string, Sellers> byName)
{
    public static KnownModels None { get; } = new(FrozenDictionary<string, Sellers>.Empty);

    public Sellers? Find(string name) => byName.GetValueOrDefault(name);
}
