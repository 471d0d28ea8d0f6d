using System.Collections.Immutable;

namespace Fairlead.Domain.Catalogue;

/// <summary>A language model by its catalogue id, with everything that offers it.</summary>
/// <param name="Id">Hub id as the Hub writes it, or <c>provider/model</c> where the Hub does not hold the model.</param>
/// <param name="Offers">In the order of the configuration, which is also the order of <c>:preferred</c>.</param>
public sealed record Model(string Id, ImmutableArray<Offer> Offers)
{
    /// <summary>The model that comes with the product. It knows Fairlead and nothing else, so it is nobody's choice where there is another.</summary>
    public const string GuideId = "fairlead/guide";
}

/// <summary>An alias with a chain (<c>models:</c> in the configuration).</summary>
/// <param name="Name">What callers write.</param>
/// <param name="Try">Model names to try, in order; each a Hub id, another alias is not allowed, or <c>provider/model</c>.</param>
public sealed record Alias(string Name, ImmutableArray<string> Try);
