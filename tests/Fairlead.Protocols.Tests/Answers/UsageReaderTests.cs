using System.Text;
using Fairlead.Domain.Inference;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Tests.Answers;

public class UsageReaderTests
{
    [Theory]
    [InlineData("{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15,\"prompt_tokens_details\":{\"cached_tokens\":4,\"cache_write_tokens\":2},\"completion_tokens_details\":{\"reasoning_tokens\":3}}", 10, 5, 4, 2, 3)] // OpenAI, OpenRouter
    [InlineData("{\"input_tokens\":10,\"output_tokens\":5,\"input_tokens_details\":{\"cached_tokens\":4},\"output_tokens_details\":{\"reasoning_tokens\":3}}", 10, 5, 4, 0, 3)] // OpenAI responses
    [InlineData("{\"input_tokens\":10,\"cache_creation_input_tokens\":2,\"cache_read_input_tokens\":4,\"output_tokens\":5,\"output_tokens_details\":{\"thinking_tokens\":3}}", 16, 5, 4, 2, 3)] // Anthropic
    [InlineData("{\"prompt_tokens\":16,\"completion_tokens\":5,\"cache_creation_input_tokens\":2,\"cache_read_input_tokens\":4}", 16, 5, 4, 2, 0)] // a gateway before it has added them already
    [InlineData("{\"prompt_tokens\":10,\"completion_tokens\":5,\"prompt_cache_hit_tokens\":4,\"prompt_cache_miss_tokens\":6,\"prompt_tokens_details\":{\"cached_tokens\":4}}", 10, 5, 4, 0, 0)] // DeepSeek
    [InlineData("{\"prompt_tokens\":10,\"completion_tokens\":5,\"cached_tokens\":4}", 10, 5, 4, 0, 0)] // Moonshot
    [InlineData("{\"queue_time\":0.01,\"prompt_tokens\":10,\"prompt_time\":0.002,\"completion_tokens\":5,\"total_time\":0.1}", 10, 5, 0, 0, 0)] // Groq
    [InlineData("{\"tokens\":{\"input_tokens\":10,\"output_tokens\":5},\"billed_units\":{\"input_tokens\":8,\"output_tokens\":4}}", 10, 5, 0, 0, 0)] // Cohere
    [InlineData("{\"billed_units\":{\"input_tokens\":8,\"output_tokens\":4},\"tokens\":{\"input_tokens\":10,\"output_tokens\":5}}", 10, 5, 0, 0, 0)]
    [InlineData("{\"billed_units\":{\"input_tokens\":8,\"output_tokens\":4}}", 8, 4, 0, 0, 0)]
    [InlineData("{\"promptTokenCount\":10,\"cachedContentTokenCount\":4,\"candidatesTokenCount\":5,\"thoughtsTokenCount\":3,\"totalTokenCount\":18}", 10, 8, 4, 0, 3)] // Gemini
    [InlineData("{\"totalTokenCount\":18,\"promptTokenCount\":10}", 10, 8, 0, 0, 0)]
    [InlineData("{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":99}", 10, 5, 0, 0, 0)] // only Gemini's dialect means anything by that
    [InlineData("{\"prompt_tokens\":-5,\"completion_tokens\":1e3,\"total_tokens\":0}", -5, 1000, 0, 0, 0)] // raw: bounded by the caller
    [InlineData("{\"prompt_tokens\":-1,\"completion_tokens\":1}", -1, 1, 0, 0, 0)]
    [InlineData("{\"prompt_tokens\":1e300,\"completion_tokens\":1}", long.MaxValue, 1, 0, 0, 0)]
    [InlineData("{\"prompt_tokens\":3,\"completion_tokens\":1,\"prompt_tokens_details\":null,\"completion_tokens_details\":[]}", 3, 1, 0, 0, 0)]
    public void Every_shape_is_read(string json, long input, long output, long cached, long written, long reasoning) =>
        Assert.Equal(new Usage(input, output, cached, written, reasoning), UsageReader.Read(Encoding.UTF8.GetBytes(json), ResponseQuirks.None));

    [Theory]
    [InlineData("{\"input_tokens\":10,\"cache_creation_input_tokens\":5,\"cache_creation\":{\"ephemeral_5m_input_tokens\":2,\"ephemeral_1h_input_tokens\":3},\"output_tokens\":1}", 15, 5, 3)] // Anthropic
    [InlineData("{\"input_tokens\":10,\"cache_creation\":{\"ephemeral_5m_input_tokens\":2,\"ephemeral_1h_input_tokens\":3},\"output_tokens\":1}", 15, 5, 3)] // the sum left out
    [InlineData("{\"input_tokens\":10,\"cache_creation_input_tokens\":5,\"cache_creation\":null,\"output_tokens\":1}", 15, 5, 0)]
    [InlineData("{\"prompt_tokens\":15,\"completion_tokens\":1,\"prompt_tokens_details\":{\"cache_write_tokens\":5,\"cache_write_hour_tokens\":3}}", 15, 5, 3)] // ours
    public void What_a_cache_keeps_for_an_hour_is_read_apart(string json, long input, long written, long hour) =>
        Assert.Equal(new Usage(input, 1, 0, written, 0, hour), UsageReader.Read(Encoding.UTF8.GetBytes(json), ResponseQuirks.None));

    [Theory]
    [InlineData("{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":40}", 30)]
    [InlineData("{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15}", 5)]
    [InlineData("{\"prompt_tokens\":10,\"total_tokens\":15}", 5)]
    public void Geminis_thoughts_are_in_the_total_alone(string json, long output) =>
        Assert.Equal(new Usage(10, output), UsageReader.Read(Encoding.UTF8.GetBytes(json), ResponseQuirks.OutputFromTotal));

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[1]")]
    [InlineData("{\"prompt_tokens\":\"many\"}")]
    [InlineData("{\"prompt_tokens\":")]
    [InlineData("{\"\\ud800\":1}")]
    public void What_holds_no_counts_is_null(string json) => Assert.Null(UsageReader.Read(Encoding.UTF8.GetBytes(json), ResponseQuirks.None));

    [Fact]
    public void Impossible_counts_are_bounded_and_flagged()
    {
        Assert.Equal((new Usage(3, 2, 1), UsageSource.Reported), UsageBounds.Bound(new Usage(3, 2, 1), 7, 100, 50));
        Assert.Equal((new Usage(7, 50, 7, 0, 50), UsageSource.Bounded), UsageBounds.Bound(new Usage(-5, long.MaxValue, 9, 9, 60), 7, 100, 50));
        Assert.Equal((new Usage(100, 0, 60, 40), UsageSource.Bounded), UsageBounds.Bound(new Usage(long.MaxValue, -1, 60, 60, -2), 7, 100, 50));
        Assert.Equal((new Usage(9, 1, 0, 5, 0, 5), UsageSource.Bounded), UsageBounds.Bound(new Usage(9, 1, 0, 5, 0, 6), 7, 100, 50));
        Assert.Equal((new Usage(9, 1, 0, 5, 0, 0), UsageSource.Bounded), UsageBounds.Bound(new Usage(9, 1, 0, 5, 0, -1), 7, 100, 50));
    }
}
