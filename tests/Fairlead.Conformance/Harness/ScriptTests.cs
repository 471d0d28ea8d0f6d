using System.Text;
using Fairlead.Yard;

namespace Fairlead.Conformance.Harness;

/// <summary>The yard itself: a script means what its notation says.</summary>
public sealed class ScriptTests
{
    [Fact]
    public void Macros_stand_for_their_events()
    {
        Script script = Script.Parse("SSE\nW ck({\"content\":\"Hi)\"}) ; W fk(stop) ; W uk(3,1) ; W done ; FIN");

        Assert.Equal(5, script.Steps.Count);
        Assert.Equal("data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi)\"},\"finish_reason\":null}]}\n\n", Written(script, 0));
        Assert.Contains("\"delta\":{},\"finish_reason\":\"stop\"", Written(script, 1), StringComparison.Ordinal);
        Assert.Contains("\"prompt_tokens\":3,\"completion_tokens\":1,\"total_tokens\":4", Written(script, 2), StringComparison.Ordinal);
        Assert.Equal("data: [DONE]\n\n", Written(script, 3));
        Assert.Equal(StepKind.Fin, script.Steps[4].Kind);
    }

    [Fact]
    public void Escapes_are_bytes_and_those_of_JSON_stay()
    {
        Script script = Script.Parse("SSE\nW \\xEF\\xBB\\xBFa\\r\\n\\\\ \\\"q\\\" \\ud83d é");

        Assert.Equal([0xEF, 0xBB, 0xBF, (byte)'a', (byte)'\r', (byte)'\n', .. "\\ \\\"q\\\" \\ud83d é"u8], script.Steps[0].Bytes);
    }

    [Fact]
    public void Several_macros_in_one_write_stay_one_write()
    {
        Script script = Script.Parse("SSE\nW ck({\"content\":\"a\"}) fk(stop) done");

        Assert.Equal([StepKind.Write, StepKind.End], script.Steps.Select(static s => s.Kind));
        Assert.EndsWith("\n\ndata: [DONE]\n\n", Written(script, 0), StringComparison.Ordinal);
    }

    [Fact]
    public void A_head_has_status_type_headers_and_may_carry_the_body()
    {
        Script script = Script.Parse("429\nretry-after: 7\nJS {\"error\":\"x ; y\"}");

        Assert.Equal(429, script.Status);
        Assert.Equal([KeyValuePair.Create("retry-after", "7"), KeyValuePair.Create("content-type", "application/json")], script.Headers);
        Assert.Equal("{\"error\":\"x ; y\"}", Written(script, 0));
    }

    [Theory]
    [InlineData("SSE\nX nothing")]
    [InlineData("SSE\nW ck({\"content\":\"open\"")]
    [InlineData("nonsense")]
    public void What_is_no_script_is_refused(string text) => Assert.Throws<FormatException>(() => Script.Parse(text));

    private static string Written(Script script, int step) => Encoding.UTF8.GetString(script.Steps[step].Bytes);
}
