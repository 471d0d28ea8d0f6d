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

    [Fact]
    public void An_alias_is_no_model_and_a_stranger_is_nothing()
    {
        Assert.NotNull(Snapshot.FindAlias("Chat-Default"));
        Assert.Null(Snapshot.Find("chat-default"));
        Assert.Null(Snapshot.Find("nobody/knows"));
        Assert.Equal(3, Snapshot.OfferCount);
    }
}
