using Fairlead.Gateway.Catalogue;

namespace Fairlead.Gateway.Tests.Catalogue;

/// <summary>F237: what a listing means beside the last one.</summary>
public sealed class ListingTests
{
    private static readonly Uri Url = new("http://127.0.0.1:8000/v1");

    [Fact]
    public void An_empty_listing_or_half_of_one_is_a_fault_of_the_server_and_no_news()
    {
        DiscoveredRunner last = Of("a", "b", "c");
        Assert.Equal(["a", "b", "c"], Listing.Merge(last, "vllm", Url, []).Models);
        Assert.Equal(["a", "b", "c"], Listing.Merge(last, "vllm", Url, ["a"]).Models);
        Assert.Equal(["a", "b", "c"], Listing.Merge(last, "vllm", Url, null).Models);
    }

    [Fact]
    public void A_model_goes_when_two_listings_in_a_row_lack_it_and_comes_back_at_once()
    {
        DiscoveredRunner once = Listing.Merge(Of("a", "b", "c"), "vllm", Url, ["a", "b"]);
        Assert.Equal(["a", "b", "c"], once.Models);
        DiscoveredRunner twice = Listing.Merge(once, "vllm", Url, ["a", "b"]);
        Assert.Equal(["a", "b"], twice.Models);
        Assert.Equal(["a", "b", "c"], Listing.Merge(twice, "vllm", Url, ["a", "b", "c"]).Models);
        DiscoveredRunner between = Listing.Merge(once, "vllm", Url, ["a", "b", "c"]);
        Assert.Equal(["a", "b", "c"], Listing.Merge(between, "vllm", Url, ["a", "b"]).Models);
    }

    private static DiscoveredRunner Of(params string[] models) => new("vllm", Url, models, new HashSet<string>());
}
