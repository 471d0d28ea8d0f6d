using Fairlead.Yard;
using static Fairlead.Conformance.Contract.ContractAnswer;

namespace Fairlead.Conformance.Contract;

/// <summary>Whose a request is: keys, who pays, and that no credential crosses in either direction. Of the wire contract, by the numbers of its cases (<see cref="ContractCollection"/>).</summary>
[Collection<ContractCollection>]
public sealed class KeyCases(ContractYard yard)
{
    [Theory]
    [InlineData("")]
    [InlineData("Authorization: \r\n")]
    [InlineData("Authorization: Bearer \r\n")] // 2
    [InlineData("Authorization: Bearer\r\n")]
    public async Task Case_01_02_without_a_key_it_is_401_with_a_challenge(string header)
    {
        RawAnswer answer = await RawHttp.SendAsync(yard.Fairlead.Port, $"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}");

        Refused(answer, 401, "key_missing");
        Assert.StartsWith("Bearer realm=", answer.Header("www-authenticate"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hf_abcdefghijklmnopqrstuvwxyzABCDEFGH", "key_malformed")] // a token of Hugging Face's own
    [InlineData("WRONG", "key_unknown")]
    public async Task Case_03_an_unknown_key_is_401(string key, string code)
    {
        RawAnswer answer = await yard.ChatAsync(key: key == "WRONG" ? Gateway.WrongKey : key);

        Refused(answer, 401, code);
        Assert.StartsWith("Bearer realm=", answer.Header("www-authenticate"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Case_05_somebody_else_as_payer_is_403_and_nothing_is_billed()
    {
        int before = yard.Asked;
        RawAnswer answer = await yard.ChatAsync(headers: "X-HF-Bill-To: someorg\r\n");

        Refused(answer, 403, "bill_to_not_allowed");
        Assert.Contains("someorg", answer.Text, StringComparison.Ordinal);
        Assert.Equal(0, await yard.CostOfAsync(answer));
        Assert.Equal(before, yard.Asked);
    }

    [Fact]
    public void Case_09_a_key_is_one_that_hugging_faces_clients_take()
    {
        Assert.StartsWith("hf_", yard.Key, StringComparison.Ordinal);
        Assert.Equal(37, yard.Key.Length);
    }

    [Fact]
    public async Task Case_141_no_credential_crosses_in_either_direction()
    {
        yard.Fast.On("broken", "200 JS\nset-cookie: session=upstream\nx-secret: fast-secret-key\nproxy-authenticate: Basic\nW full(Hi)");

        RawAnswer answer = await yard.ChatAsync("acme/broken", headers: "Cookie: mine=1\r\nProxy-Authorization: Basic abc\r\n");

        ReceivedRequest seen = yard.Fast.Requests.Last();
        Assert.Equal("Bearer fast-secret-key", seen.Header("authorization"));
        Assert.DoesNotContain(yard.Key, seen.Head, StringComparison.Ordinal);
        Assert.Null(seen.Header("cookie"));
        Assert.Null(seen.Header("proxy-authorization"));
        Assert.DoesNotContain("fast-secret-key", answer.Head, StringComparison.Ordinal);
        Assert.Null(answer.Header("set-cookie"));
        Assert.Null(answer.Header("proxy-authenticate"));
    }
}
