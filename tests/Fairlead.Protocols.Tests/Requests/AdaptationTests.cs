using Fairlead.Domain.Inference;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Tests.Requests;

/// <summary><c>x-fairlead-adapted</c> names what the provider got otherwise than it was written, and nothing else: the writer itself is asked.</summary>
public sealed class AdaptationTests
{
    private static readonly string[] ChatMembers =
    [
        "\"store\":true", "\"max_tokens\":5", "\"max_completion_tokens\":5", "\"seed\":1", "\"tool_choice\":\"required\"", "\"tool_choice\":\"auto\"", "\"stop\":[\"a\"]", "\"stop\":\"a\"",
        "\"reasoning_effort\":\"minimal\"", "\"reasoning_effort\":\"high\"", "\"response_format\":{\"type\":\"json_object\"}", "\"response_format\":{\"type\":\"text\"}",
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\",\"schema\":{\"type\":\"object\"},\"strict\":true}}", "\"temperature\":0.5", "\"unknown\":{\"a\":1}",
    ];

    public static TheoryData<RequestQuirks> Quirks => [.. Enum.GetValues<RequestQuirks>().Except([RequestQuirks.NoStreamOptions, RequestQuirks.GuidedJson])];

    [Theory]
    [MemberData(nameof(Quirks))]
    public void A_field_is_named_when_it_goes_out_otherwise(RequestQuirks quirk)
    {
        foreach (string member in ChatMembers)
            Holds(Bodies.Chat(member), member, quirk, Route.Chat);
        foreach (string member in (string[])["\"encoding_format\":\"base64\"", "\"encoding_format\":\"float\"", "\"dimensions\":4"])
            Holds(Bodies.Embedding("\"x\"", member), member, quirk, Route.Embeddings);
    }

    [Fact]
    public void Several_are_named_in_their_order()
    {
        byte[] body = Bodies.Utf8(Bodies.Chat("\"seed\":1,\"top_p\":1,\"stop\":[\"a\"]"));

        Assert.Equal("seed, stop", Adaptation.Of(Bodies.Scan(body).Scanned!, body, RequestQuirks.SeedAsRandomSeed | RequestQuirks.StopAsString));
    }

    private static void Holds(string body, string member, RequestQuirks quirk, Route route)
    {
        byte[] bytes = Bodies.Utf8(body);
        bool same = Bodies.Write(body, quirk, route: route).Contains(member, StringComparison.Ordinal);
        string? named = Adaptation.Of(Bodies.Scan(bytes, route).Scanned!, bytes, quirk);
        Assert.True(same == (named is null), $"{quirk}: {member} {(same ? "goes out as it came" : "is changed")} and '{named}' is named");
        if (named is not null)
            Assert.Equal(member.Split('"')[1], named);
    }
}
