using System.Text;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Tests.Answers;

public class UsageWriterTests
{
    private static readonly Usage Used = new(16, 5, 4, 3, 2, 1);

    [Fact]
    public void Every_part_that_is_priced_apart_stands_where_clients_look_for_it_and_is_read_back_the_same()
    {
        string json = UsageWriter.Complete([], Route.Chat, Used, new NanoDollars(6_400)).ToJsonString();
        Assert.Equal(
            "{\"prompt_tokens\":16,\"completion_tokens\":5,\"total_tokens\":21,\"prompt_tokens_details\":{\"cached_tokens\":4,\"cache_write_tokens\":3,\"cache_write_hour_tokens\":1},"
            + "\"completion_tokens_details\":{\"reasoning_tokens\":2},\"cost\":0.0000064}",
            json);
        Assert.Equal(Used, UsageReader.Read(Encoding.UTF8.GetBytes(json), ResponseQuirks.None));
    }

    [Fact]
    public void What_the_upstream_says_of_a_part_stays_and_parts_of_nothing_are_not_invented()
    {
        byte[] upstream = Encoding.UTF8.GetBytes("{\"prompt_tokens_details\":{\"cached_tokens\":4,\"audio_tokens\":0}}");
        Assert.Equal(
            "{\"prompt_tokens_details\":{\"cached_tokens\":4,\"audio_tokens\":0},\"prompt_tokens\":16,\"completion_tokens\":5,\"total_tokens\":21,\"cost\":0}",
            UsageWriter.Complete(upstream, Route.Chat, new Usage(16, 5, 4), NanoDollars.Zero).ToJsonString());
    }
}
