using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Domain.Routing;

namespace Fairlead.Protocols.Tests.Requests;

/// <summary>Selectors, fallback models and the <c>provider</c> object.</summary>
public sealed class RoutingFieldTests
{
    [Theory]
    [InlineData("o/m", "o/m", RoutePolicy.Fastest, null)]
    [InlineData("o/m:fastest", "o/m", RoutePolicy.Fastest, null)]
    [InlineData("o/m:CHEAPEST", "o/m", RoutePolicy.Cheapest, null)]
    [InlineData("o/m:preferred", "o/m", RoutePolicy.Preferred, null)]
    [InlineData("o/m:together", "o/m", RoutePolicy.Provider, "together")]
    [InlineData("o/m:v1:groq", "o/m:v1", RoutePolicy.Provider, "groq")]
    [InlineData("a:b/m", "a:b/m", RoutePolicy.Fastest, null)]
    [InlineData("o/m:", "o/m:", RoutePolicy.Fastest, null)]
    [InlineData("m:x", "m", RoutePolicy.Provider, "x")]
    [InlineData(":x", ":x", RoutePolicy.Fastest, null)]
    public void The_selector_is_what_follows_the_last_colon_after_the_last_slash(string asked, string model, RoutePolicy policy, string? pinned)
    {
        InferenceRequest request = Bodies.Request($$"""{"messages":[{"role":"user","content":"x"}],"model":"{{asked}}"}""");
        Assert.Equal(model, request.Model);
        Assert.Equal(policy, request.Preferences.Policy);
        Assert.Equal(pinned, request.Preferences.Pinned);
    }

    [Fact]
    public void Every_wish_is_read()
    {
        RoutePreferences wishes = Bodies.Request(Bodies.Chat(
            "\"provider\":{\"order\":[\"b\",\"a\"],\"only\":[\"a\",\"b\"],\"ignore\":[\"c\"],\"allow_fallbacks\":false,\"sort\":\"latency\",\"require_parameters\":true,\"max_price\":{\"prompt\":\"0.1\",\"completion\":0.30}}")).Preferences;
        Assert.Equal(["b", "a"], wishes.Order);
        Assert.Equal(["a", "b"], wishes.Only);
        Assert.Equal(["c"], wishes.Ignore);
        Assert.False(wishes.AllowFallbacks);
        Assert.True(wishes.RequireParameters);
        Assert.Equal(RoutePolicy.Latency, wishes.Policy);
        Assert.Equal(100_000_000, wishes.MaxInputPrice!.Value.PerMillion.Value);
        Assert.Equal(300_000_000, wishes.MaxOutputPrice!.Value.PerMillion.Value);
    }

    [Theory]
    [InlineData("\"price\"", RoutePolicy.Cheapest)]
    [InlineData("\"throughput\"", RoutePolicy.Fastest)]
    [InlineData("\"latency\"", RoutePolicy.Latency)]
    [InlineData("null", RoutePolicy.Fastest)]
    public void Sort_becomes_a_policy(string sort, RoutePolicy policy) =>
        Assert.Equal(policy, Bodies.Request(Bodies.Chat($"\"provider\":{{\"sort\":{sort}}}")).Preferences.Policy);

    [Fact]
    public void The_selector_goes_before_sort() =>
        Assert.Equal(RoutePolicy.Preferred, Bodies.Request("""{"model":"o/m:preferred","provider":{"sort":"price"},"messages":[{"role":"user","content":"x"}]}""").Preferences.Policy);

    [Theory]
    [InlineData("0.000000001", 1)]
    [InlineData("\"0.000000001\"", 1)]
    [InlineData("0.1", 100_000_000)]
    [InlineData("0.3", 300_000_000)]
    [InlineData("20", 20_000_000_000)]
    public void A_price_is_read_digit_for_digit(string price, long nano) =>
        Assert.Equal(nano, Bodies.Request(Bodies.Chat($"\"provider\":{{\"max_price\":{{\"prompt\":{price}}}}}")).Preferences.MaxInputPrice!.Value.PerMillion.Value);

    [Theory]
    [InlineData("[]", "provider")]
    [InlineData("\"together\"", "provider")]
    [InlineData("{\"data_collection\":\"deny\"}", "provider")]
    [InlineData("{\"base_url\":\"http://x\"}", "provider")]
    [InlineData("{\"order\":\"a\"}", "provider.order")]
    [InlineData("{\"order\":[1]}", "provider.order[0]")]
    [InlineData("{\"only\":[\"a\",null]}", "provider.only[1]")]
    [InlineData("{\"ignore\":[\"\"]}", "provider.ignore")]
    [InlineData("{\"ignore\":[\"a\\r\\nb\"]}", "provider.ignore")]
    [InlineData("{\"allow_fallbacks\":0}", "provider.allow_fallbacks")]
    [InlineData("{\"require_parameters\":\"yes\"}", "provider.require_parameters")]
    [InlineData("{\"sort\":\"random\"}", "provider.sort")]
    [InlineData("{\"sort\":1}", "provider.sort")]
    [InlineData("{\"max_price\":1}", "provider.max_price")]
    [InlineData("{\"max_price\":{\"image\":1}}", "provider.max_price")]
    [InlineData("{\"max_price\":{\"prompt\":-1}}", "provider.max_price")]
    [InlineData("{\"max_price\":{\"prompt\":1e-1}}", "provider.max_price")]
    [InlineData("{\"max_price\":{\"prompt\":\"1.0000000001\"}}", "provider.max_price")]
    [InlineData("{\"max_price\":{\"prompt\":\"free\"}}", "provider.max_price")]
    [InlineData("{\"max_price\":{\"prompt\":\"\"}}", "provider.max_price")]
    [InlineData("{\"max_price\":{\"prompt\":null}}", "provider.max_price.prompt")]
    public void A_wish_we_do_not_understand_is_refused_and_never_dropped(string provider, string param)
    {
        Problem problem = Bodies.Refused(Bodies.Chat($"\"provider\":{provider}"));
        Assert.Equal(ProblemKind.FieldInvalid, problem.Kind);
        Assert.Equal(param, problem.Param);
    }

    [Fact]
    public void An_unknown_wish_is_answered_with_the_known_ones()
    {
        string message = Bodies.Refused(Bodies.Chat("\"provider\":{\"quantizations\":[\"fp8\"]}")).Message;
        foreach (string known in new[] { "quantizations", "order", "only", "ignore", "allow_fallbacks", "sort", "max_price", "require_parameters" })
            Assert.Contains(known, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"provider\":{\"only\":[\"groq\"]}", "provider.only")]
    [InlineData("\"provider\":{\"ignore\":[\"Together\"]}", "provider.ignore")]
    [InlineData("\"models\":[\"o/other\"]", "models")]
    public void Wishes_that_contradict_the_selector_are_refused(string member, string param)
    {
        Problem problem = Bodies.Refused($$"""{"model":"o/m:together",{{member}},"messages":[{"role":"user","content":"x"}]}""");
        Assert.Equal(ProblemKind.FieldInvalid, problem.Kind);
        Assert.Equal(param, problem.Param);
    }

    [Fact]
    public void A_selector_that_is_among_the_wishes_is_taken() =>
        Assert.Equal("together", Bodies.Request("""{"model":"o/m:together","provider":{"only":["TOGETHER","groq"]},"messages":[{"role":"user","content":"x"}]}""").Preferences.Pinned);

    [Fact]
    public void Fallback_models_keep_their_order() =>
        Assert.Equal(["a/b", "c/d"], Bodies.Request(Bodies.Chat("\"models\":[\"a/b\",\"c/d\"]")).FallbackModels);

    [Theory]
    [InlineData("\"a\"", "models")]
    [InlineData("[1]", "models[0]")]
    [InlineData("[\"\"]", "models")]
    [InlineData("[\"a b\"]", "models")]
    [InlineData("[\"a\\u0000\"]", "models")]
    [InlineData("[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\",\"17\"]", "models")]
    public void Fallback_models_that_are_no_names_are_refused(string models, string param) => Assert.Equal(param, Bodies.Refused(Bodies.Chat($"\"models\":{models}")).Param);

    [Fact]
    public void Sixteen_fallbacks_are_taken() =>
        Assert.Equal(16, Bodies.Request(Bodies.Chat("\"models\":[" + string.Join(',', Enumerable.Range(0, 16).Select(static i => $"\"o/m{i}\"")) + "]")).FallbackModels.Count);
}
