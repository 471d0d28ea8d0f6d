using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Money;

namespace Fairlead.Domain.Tests.Catalogue;

public sealed class RetirementTests
{
    private static readonly DateOnly Today = new(2026, 11, 26);
    private static readonly DateOnly Yesterday = Today.AddDays(-1);

    [Fact]
    public void A_model_is_gone_since_the_last_of_those_who_had_it_withdrew_it()
    {
        Offer early = Of("alpha", "old") with { Status = OfferStatus.Gone, RetiresOn = new DateOnly(2026, 1, 5) };
        Offer late = Of("beta", "old") with { RetiresOn = Yesterday };
        Assert.Equal(new Retirement("Old:fast", Yesterday, null), Told("Old:fast", early, late));
    }

    [Fact]
    public void What_was_only_noticed_is_gone_since_then_and_what_nobody_dated_since_nobody_knows_when()
    {
        Assert.Equal(Yesterday, Told("old", Of("alpha", "old") with { Status = OfferStatus.Gone, RetiresOn = Today.AddDays(5), GoneOn = Yesterday }).Since);
        Assert.Null(Told("old", Of("alpha", "old") with { Status = OfferStatus.Gone }).Since);
    }

    [Fact]
    public void The_successor_is_the_first_that_lives_here_on_the_way_from_one_to_the_next()
    {
        Offer old = Of("alpha", "old") with { Status = OfferStatus.Gone, Successor = "newer" };
        Offer newer = Of("alpha", "newer") with { RetiresOn = Today, Successor = "newest" };
        Offer newest = Of("alpha", "newest");
        Assert.Equal("alpha/newest", Told("old", old, newer, newest).Successor);
        Assert.Equal("alpha/newer", Told("old", old, newer with { RetiresOn = Today.AddDays(1) }, newest).Successor);
        Assert.Null(Told("old", old, newer, newest with { Price = null }).Successor); // whoever has no price serves nothing
        Assert.Null(Told("old", old, newer).Successor);
        Assert.Null(Told("old", old).Successor);
    }

    [Fact]
    public void A_successor_that_another_provider_offers_by_that_name_serves_too()
    {
        Offer old = Of("alpha", "old") with { Status = OfferStatus.Gone, Successor = "new" };
        Assert.Equal("beta/new", Told("old", old, Of("beta", "new")).Successor);
    }

    [Fact]
    public void A_sheet_that_goes_in_a_circle_has_no_successor()
    {
        Offer one = Of("alpha", "one") with { Status = OfferStatus.Gone, Successor = "two" };
        Offer two = Of("alpha", "two") with { Status = OfferStatus.Gone, Successor = "one" };
        Assert.Null(Told("one", one, two).Successor);
    }

    [Fact]
    public void A_model_is_gone_only_where_everybody_has_withdrawn_it()
    {
        Offer gone = Of("alpha", "old") with { Status = OfferStatus.Gone };
        Offer announced = Of("beta", "old") with { RetiresOn = Today.AddDays(1) };
        Assert.True(Retirement.IsOf([new Model("m", [gone])], Today));
        Assert.True(Retirement.IsOf([new Model("m", [gone, announced with { RetiresOn = Today }])], Today));
        Assert.False(Retirement.IsOf([new Model("m", [gone, announced])], Today));
        Assert.False(Retirement.IsOf([new Model("m", [gone]), new Model("n", [announced])], Today)); // an alias
        Assert.False(Retirement.IsOf([], Today));
    }

    [Fact]
    public void What_the_operator_has_stated_by_hand_is_asked_whatever_its_date()
    {
        Offer stated = Of("alpha", "old") with { RetiresOn = Yesterday, IsStated = true };
        Assert.False(stated.IsRetired(Today));
        Assert.True((stated with { Status = OfferStatus.Gone }).IsRetired(Today)); // unless the provider itself says so
        Assert.True((stated with { IsStated = false }).IsRetired(Today));
        Assert.False((stated with { IsStated = false }).IsRetired(Yesterday.AddDays(-1)));
    }

    private static Retirement Told(string name, Offer gone, params Offer[] others)
    {
        var model = new Model("alpha/" + gone.ProviderModelId, [gone, .. others.Where(o => o.ProviderModelId == gone.ProviderModelId)]);
        var snapshot = new CatalogueSnapshot(
            1, [model, .. others.Where(o => o.ProviderModelId != gone.ProviderModelId).Select(static (o, i) => new Model(o.ModelId, [o with { Index = i + 1 }]))], []);
        return Retirement.Of(snapshot, name, [model], Today);
    }

    private static Offer Of(string provider, string name) => new()
    {
        Index = 0,
        ModelId = $"{provider}/{name}",
        Provider = provider,
        ProviderModelId = name,
        Price = OfferPrice.Free,
        Routes = RouteSet.Chat,
    };
}
