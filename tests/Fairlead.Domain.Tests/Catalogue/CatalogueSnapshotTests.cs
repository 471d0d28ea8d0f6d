using Fairlead.Domain.Catalogue;

namespace Fairlead.Domain.Tests.Catalogue;

public sealed class CatalogueSnapshotTests
{
    private static readonly CatalogueSnapshot Snapshot = new(1,
    [
        new Model("meta-llama/Llama-3.1-8B-Instruct",
        [
            new Offer { Index = 0, ModelId = "meta-llama/Llama-3.1-8B-Instruct", Provider = "alpha", ProviderModelId = "llama-8b", Routes = RouteSet.Chat },
            new Offer { Index = 1, ModelId = "meta-llama/Llama-3.1-8B-Instruct", Provider = "beta", ProviderModelId = "llama-8b", Routes = RouteSet.Chat },
        ]),
        new Model("openai/gpt-oss-20b",
        [
            new Offer { Index = 2, ModelId = "openai/gpt-oss-20b", Provider = "groq", ProviderModelId = "openai/gpt-oss-20b", Routes = RouteSet.Chat },
        ]),
    ], [new Alias("chat-default", ["meta-llama/Llama-3.1-8B-Instruct"])]);

    [Fact]
    public void A_hub_id_is_found_in_any_case() => Assert.Equal(2, Snapshot.Find("META-LLAMA/llama-3.1-8b-instruct")!.Offers.Length);

    [Theory]
    [InlineData("beta/llama-8b", 1)]
    [InlineData("beta/meta-llama/Llama-3.1-8B-Instruct", 1)]
    [InlineData("groq/openai/gpt-oss-20b", 2)]
    public void A_provider_and_its_model_name_one_offer(string name, int index) => Assert.Equal(index, Assert.Single(Snapshot.Find(name)!.Offers).Index);

    [Fact]
    public void A_hub_id_wins_over_a_provider_of_the_same_name() => Assert.Equal("groq", Assert.Single(Snapshot.Find("openai/gpt-oss-20b")!.Offers).Provider);

    [Theory]
    [InlineData("claude-haiku-4-5-20251001")]
    [InlineData("claude-haiku-4-5")]
    [InlineData("CLAUDE-Haiku-4-5")]
    [InlineData("anthropic/claude-haiku-4-5")]
    [InlineData("anthropic/claude-haiku-4-5-20251001")]
    public void What_a_provider_calls_a_model_is_a_name_of_it(string name) =>
        Assert.Equal("anthropic/claude-haiku-4-5-20251001", Named(Claude("anthropic", 0)).Find(name)?.Id);

    [Fact]
    public void What_a_provider_calls_a_model_finds_all_who_offer_it() => Assert.Equal(2, Snapshot.Find("llama-8b")!.Offers.Length);

    [Fact]
    public void A_models_own_id_wins_over_what_providers_call_others()
    {
        Offer other = Claude("anthropic", 0) with { Aliases = ["acme/chat"] };
        Offer own = Claude("zeta", 1) with { ModelId = "acme/chat", ProviderModelId = "chat", Aliases = [] };
        Assert.Equal("zeta", Assert.Single(Named(other, own).Find("acme/chat")!.Offers).Provider);
    }

    [Fact]
    public void Where_two_models_are_called_the_same_the_provider_that_stands_first_is_meant_whatever_the_order_of_their_ids()
    {
        Offer first = Claude("zeta", 0) with { ModelId = "z/model" };
        Offer second = Claude("anthropic", 1) with { ModelId = "a/model" };
        Assert.Equal("z/model", Named(second, first).Find("claude-haiku-4-5")!.Id);
        Assert.Equal("a/model", Named(second, first with { Status = OfferStatus.Gone }).Find("claude-haiku-4-5")!.Id); // one that is gone stands back
        Assert.Equal("z/model", Named(second with { Status = OfferStatus.Gone }, first with { Status = OfferStatus.Gone }).Find("claude-haiku-4-5")!.Id);
        Assert.Equal("a/model", Named(second, first).Find("anthropic/claude-haiku-4-5")!.Id);
    }

    [Fact]
    public void An_alias_of_the_configuration_wins_over_what_a_provider_calls_a_model()
    {
        var snapshot = new CatalogueSnapshot(
            1, [new Model("anthropic/claude-haiku-4-5-20251001", [Claude("anthropic", 0)]), new Model("acme/chat", [Claude("zeta", 1) with { ModelId = "acme/chat", ProviderModelId = "chat", Aliases = [] }])],
            [new Alias("claude-haiku-4-5", ["acme/chat"])]);
        ResolvedModel resolved = ModelResolution.Resolve(snapshot, "claude-haiku-4-5");
        Assert.Equal(("claude-haiku-4-5", "acme/chat"), (resolved.Alias, Assert.Single(resolved.Models).Id));
    }

    [Fact]
    public void A_misspelt_name_of_a_provider_is_recognised() =>
        Assert.Equal("claude-haiku-4-5", ModelResolution.Resolve(Named(Claude("anthropic", 0)), "claude-haiku-4.5").Nearest);

    [Fact]
    public void An_alias_is_no_model_and_a_stranger_is_nothing()
    {
        Assert.NotNull(Snapshot.FindAlias("Chat-Default"));
        Assert.Null(Snapshot.Find("chat-default"));
        Assert.Null(Snapshot.Find("nobody/knows"));
        Assert.Equal(3, Snapshot.OfferCount);
    }

    private static CatalogueSnapshot Named(params Offer[] offers) => new(1, offers.Select(static offer => new Model(offer.ModelId, [offer])), []);

    private static Offer Claude(string provider, int index) => new()
    {
        Index = index,
        ModelId = $"{provider}/claude-haiku-4-5-20251001",
        Provider = provider,
        ProviderModelId = "claude-haiku-4-5-20251001",
        Aliases = ["claude-haiku-4-5"],
        Routes = RouteSet.Chat,
    };
}
