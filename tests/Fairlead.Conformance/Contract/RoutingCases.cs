using System.Text.Json;
using Fairlead.Yard;
using static Fairlead.Conformance.Contract.ContractAnswer;

namespace Fairlead.Conformance.Contract;

/// <summary>Who is asked: selectors, what is not there, failover, sessions. Of the wire contract, by the numbers of its cases (<see cref="ContractCollection"/>).</summary>
[Collection<ContractCollection>]
public sealed class RoutingCases(ContractYard yard)
{
    [Fact]
    public async Task Case_41_to_43_a_selector_chooses()
    {
        // What was never measured is taken for middling; so each is asked, and the slow ones are slow enough to tell.
        string slow = "SSE\nW ck({\"role\":\"assistant\",\"content\":\"\"})\n" + string.Join('\n', Enumerable.Repeat("W ck({\"content\":\" w\"}) ; ~120", 12)) + "\nW fk(stop) ; W uk(3,12) ; W done";
        yard.Liked.OnBoth("chat", slow, Script.GoodWhole);
        yard.Cheap.OnBoth("chat", slow, Script.GoodWhole);
        yard.Fast.OnBoth("chat", slow.Replace(" ; ~120", " ; ~1", StringComparison.Ordinal), Script.GoodWhole);
        foreach (string provider in (string[])["liked", "cheap", "fast"])
            Assert.Equal(provider, (await yard.ChatAsync($"{ContractYard.Model}:{provider}", ",\"stream\":true")).Header("x-inference-provider")); // 43

        Assert.Equal(("fast", "fastest"), await yard.ServedAsync(ContractYard.Model)); // 41
        Assert.Equal(("fast", "fastest"), await yard.ServedAsync(ContractYard.Model + ":fastest"));
        Assert.Equal(("cheap", "cheapest"), await yard.ServedAsync(ContractYard.Model + ":cheapest")); // 42
        Assert.Equal(("liked", "preferred"), await yard.ServedAsync(ContractYard.Model + ":preferred"));
    }

    [Fact]
    public async Task Case_43_a_pinned_provider_is_asked_alone()
    {
        yard.Cheap.On("shaky", """500 JS {"error":{"message":"no","type":"server_error","param":null,"code":null}}""");
        int before = yard.Fast.Count("shaky");

        RawAnswer answer = await yard.ChatAsync("acme/shaky:cheap");

        Refused(answer, 502, "upstream_status");
        Assert.Equal(("1", "cheap"), (answer.Header("x-fairlead-attempts"), answer.Header("x-inference-provider")));
        Assert.Equal(before, yard.Fast.Count("shaky"));
    }

    [Fact]
    public async Task Case_46_a_model_that_nobody_here_sells_is_told_with_who_does()
    {
        RawAnswer answer = await yard.ChatAsync("meta-llama/Llama-3.3-70B-Instruct");

        Refused(answer, 400, "model_not_supported");
        Assert.Contains("is not supported by any provider you have enabled", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Case_49_a_provider_that_wants_money_from_us_is_passed_over()
    {
        RawAnswer answer = await yard.ChatAsync("acme/dear:cheapest");
        RawAnswer again = await yard.ChatAsync("acme/dear:cheapest");

        Assert.Equal((200, "fast", "2"), (answer.Status, answer.Header("x-inference-provider"), answer.Header("x-fairlead-attempts")));
        Assert.Equal((200, "fast", "1"), (again.Status, again.Header("x-inference-provider"), again.Header("x-fairlead-attempts")));
    }

    [Theory]
    [InlineData(":nosuch", "model_not_supported", "not supported by provider nosuch")] // 44
    [InlineData("-unknown", "model_not_found", "acme/Chat-9B-unknown")] // 45
    public async Task Case_44_45_what_is_not_there_is_400_and_quoted(string suffix, string code, string words)
    {
        RawAnswer answer = await yard.ChatAsync(ContractYard.Model + suffix);

        Refused(answer, 400, code);
        Assert.Equal("model", answer.Json.GetProperty("error").GetProperty("param").GetString());
        Assert.Contains(words, answer.Text, StringComparison.Ordinal);
        Assert.Equal("false", answer.Header("x-should-retry"));
    }

    [Fact]
    public async Task Case_47_a_model_that_the_provider_withdrew_is_410()
    {
        yard.Fast.On("gone", """410 JS {"error":"The requested model is deprecated and no longer supported by provider fast"}""");

        RawAnswer answer = await yard.ChatAsync("acme/gone:fast");

        Refused(answer, 410, "upstream_gone");
        Assert.Contains("deprecated and no longer supported by provider fast", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Case_48_a_500_before_the_first_byte_goes_to_the_next_and_one_is_billed()
    {
        yard.Cheap.On("shaky", """500 JS {"error":{"message":"Internal server error","type":"server_error","param":null,"code":null}}""");

        RawAnswer answer = await yard.ChatAsync("acme/shaky:cheapest");

        Assert.Equal((200, "2", "fast"), (answer.Status, answer.Header("x-fairlead-attempts"), answer.Header("x-inference-provider")));
        Assert.Equal((3 * 200) + (2 * 600), await yard.CostOfAsync(answer));
    }

    [Theory]
    [InlineData("""W data: {"error":{"message":"the GPU fell out","type":"server_error"}}\n\n""")] // 59
    [InlineData("""W data: {"error":"the GPU fell out","error_type":"overloaded"}\n\n""")]
    [InlineData("CUT")]
    public async Task Case_50_59_a_stream_that_fails_says_so_and_does_not_begin_again(string end)
    {
        yard.Fast.On("broken", $"SSE\nW ck({{\"role\":\"assistant\",\"content\":\"Half\"}})\n{end}");
        int before = yard.Fast.Count("broken");

        RawAnswer answer = await yard.ChatAsync("acme/broken", ",\"stream\":true");

        Assert.Equal(200, answer.Status);
        JsonElement error = Events(answer)[^1].GetProperty("error");
        foreach (string member in (string[])["message", "type", "param", "code"])
            Assert.True(error.TryGetProperty(member, out _), member);
        Assert.DoesNotContain("[DONE]", answer.Text, StringComparison.Ordinal);
        Assert.Equal("Half", string.Concat(Choices(answer).Select(static c => Text(c.GetProperty("delta"), "content"))));
        Assert.Equal(before + 1, yard.Fast.Count("broken"));
        if (end != "CUT")
            Assert.Contains("the GPU fell out", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Case_51_a_session_stays_where_it_is()
    {
        string? first = (await yard.ChatAsync(headers: "X-HF-Session-id: s-51\r\n")).Header("x-inference-provider");

        for (int i = 0; i < 5; i++)
            Assert.Equal(first, (await yard.ChatAsync(headers: "X-HF-Session-id: s-51\r\n")).Header("x-inference-provider"));
    }

    [Theory]
    [InlineData("acme/chat-9b")]
    [InlineData("ACME/CHAT-9B:CHEAPEST")]
    public async Task Case_54_the_case_of_a_models_name_does_not_matter(string model) => Assert.Equal(200, (await yard.ChatAsync(model)).Status);
}
