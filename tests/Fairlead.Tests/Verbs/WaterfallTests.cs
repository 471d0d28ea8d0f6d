using System.Text.Json;
using Fairlead.Verbs;

namespace Fairlead.Tests.Verbs;

public sealed class WaterfallTests
{
    [Theory]
    [InlineData("{\"model\":\"claude-3-opus-latest\",\"retired_on\":\"2026-01-05\"}", "instead of claude-3-opus-latest, which its provider withdrew on 2026-01-05\n")]
    [InlineData("{\"model\":\"old\",\"retired_on\":null}", "instead of old, which its provider withdrew\n")]
    public void Who_served_instead_of_whom_is_told(string substitute, string words) => Assert.Contains(words, Printed(substitute, 0, 0, 0), StringComparison.Ordinal);

    [Fact]
    public void Parts_of_the_input_that_were_priced_apart_are_told_where_there_are_any()
    {
        string plain = Printed("null", 0, 0, 0);
        Assert.Contains("charged $0.000670000, 100 in, 7 out (reported)", plain, StringComparison.Ordinal);
        Assert.DoesNotContain("instead of", plain, StringComparison.Ordinal);
        Assert.Contains("100 in (40 read from a cache, 50 written to it, 30 of those for an hour), 7 out", Printed("null", 40, 50, 30), StringComparison.Ordinal);
    }

    private static string Printed(string substitute, int read, int written, int hour)
    {
        using JsonDocument record = JsonDocument.Parse(
            "{\"id\":\"req_1\",\"started_at\":\"2026-11-20T12:00:00Z\",\"closed_at\":\"2026-11-20T12:00:01Z\",\"model_asked\":\"m\",\"provider\":\"anthropic\",\"provider_model\":\"m\",\"status\":200,"
            + $"\"cost_usd\":\"0.000670000\",\"end_reason\":\"ok\",\"policy\":\"fastest\",\"substitute_for\":{substitute},\"candidates\":[\"anthropic/m\"],\"excluded\":[],\"attempts\":[],\"reserved_nano_usd\":700000,"
            + $"\"usage\":{{\"input_tokens\":100,\"output_tokens\":7,\"cached_input_tokens\":{read},\"cache_write_tokens\":{written},\"cache_write_hour_tokens\":{hour},\"source\":\"reported\"}}}}");
        using var output = new StringWriter { NewLine = "\n" };
        Waterfall.Print(record.RootElement, output);
        return output.ToString();
    }
}
