namespace Fairlead.Domain.Catalogue;

/// <summary>A model that its provider has withdrawn, and what there is in its place.</summary>
/// <param name="Model">Its name as the caller wrote it.</param>
/// <param name="Since">The day that the provider has announced, else the day on which its answers first said so; null where neither is known.</param>
/// <param name="Successor">A model that would serve instead and is offered here; null when none is.</param>
public sealed record Retirement(string Model, DateOnly? Since, string? Successor)
{
    /// <summary>More steps than there ever were from a model to the one that serves in its place; a sheet that goes in a circle ends here.</summary>
    private const int MostSteps = 8;

    /// <summary>What is known of models of which nobody serves any. Pure.</summary>
    /// <param name="catalogue">Where a successor is looked for.</param>
    /// <param name="name">As the caller wrote it: the name of one model, or an alias for several.</param>
    /// <param name="models">What it stands for.</param>
    /// <param name="today">A successor whose own end has come is followed to the next.</param>
    public static Retirement Of(CatalogueSnapshot catalogue, string name, IReadOnlyList<Model> models, DateOnly today)
    {
        DateOnly? since = null;
        string? successor = null;
        foreach (Offer offer in models.SelectMany(static model => model.Offers))
        {
            // The model has been gone since the last of those who had it withdrew it.
            if ((offer.RetiresOn <= today ? offer.RetiresOn : offer.GoneOn) is { } day && !(since > day))
                since = day;
            successor ??= LiveSuccessor(catalogue, offer.Provider, offer.Successor, today);
        }
        return new Retirement(name, since, successor);
    }

    /// <summary>The first model on the way from successor to successor that somebody serves here; null when there is none.</summary>
    /// <param name="catalogue">Where they are looked for.</param>
    /// <param name="provider">Whose names they are.</param>
    /// <param name="name">The first of them; null when there is none.</param>
    /// <param name="today">For retirement dates.</param>
    public static string? LiveSuccessor(CatalogueSnapshot catalogue, string provider, string? name, DateOnly today)
    {
        for (int step = 0; step < MostSteps && name is not null; step++)
        {
            if ((catalogue.Find($"{provider}/{name}") ?? catalogue.Find(name)) is not { } next)
                return null;
            if (next.Offers.Any(offer => !offer.IsRetired(today) && offer.Price is not null))
                return next.Id;
            name = next.Offers.Select(static offer => offer.Successor).FirstOrDefault(static after => after is not null);
        }
        return null;
    }

    /// <summary>Whether nobody serves any of the models any more because all of their providers have withdrawn them; false where there are none.</summary>
    public static bool IsOf(IReadOnlyList<Model> models, DateOnly today) =>
        models.Count > 0 && models.All(model => !model.Offers.IsEmpty && model.Offers.All(offer => offer.IsRetired(today)));
}
