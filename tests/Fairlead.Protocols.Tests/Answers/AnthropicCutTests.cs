using Fairlead.Protocols.Dialects;
using FsCheck;
using FsCheck.Fluent;

namespace Fairlead.Protocols.Tests.Answers;

/// <summary>What the caller gets does not depend on how the network cut what Anthropic sent.</summary>
public class AnthropicCutTests
{
    private static readonly StreamExpectations[] Doors =
        [AnthropicRelayed.Messages, AnthropicRelayed.Chat, AnthropicRelayed.Chat with { UsageAsked = true }, AnthropicRelayed.Messages with { MaxOutputTokens = 2 }, AnthropicRelayed.Chat with { MaxOutputTokens = 2 }];

    [Fact]
    public void Fifty_streams_at_five_doors_come_out_alike_at_every_cut()
    {
        byte[][] all = [.. AnthropicTranscripts.All()];
        Assert.Equal(50, all.Length);
        foreach (byte[] body in all)
        {
            foreach (StreamExpectations expected in Doors)
            {
                AnthropicRelayed whole = AnthropicRelayed.Fed(body, expected, []);
                if (expected.Route == Domain.Inference.Route.Chat)
                    whole.AsChunks.InsistOnForm();
                for (int cut = 1; cut < body.Length; cut++)
                    Assert.Equal(whole, AnthropicRelayed.Fed(body, expected, [cut]));
                for (int size = 1; size <= 16; size++)
                    Assert.Equal(whole, AnthropicRelayed.Fed(body, expected, Enumerable.Range(1, body.Length / size).Select(n => n * size)));
            }
        }
    }

    [Fact]
    public void Any_cuts_of_any_stream_come_out_alike()
    {
        byte[][] all = [.. AnthropicTranscripts.All()];
        Prop.ForAll((NonNegativeInt which, NonNegativeInt door, PositiveInt[] pieces) =>
        {
            byte[] body = all[which.Get % all.Length];
            int at = 0;
            int[] cuts = [.. pieces.Select(p => at += p.Get).TakeWhile(cut => cut < body.Length)];
            StreamExpectations expected = Doors[door.Get % Doors.Length];
            return AnthropicRelayed.Fed(body, expected, cuts) == AnthropicRelayed.Fed(body, expected, []);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));
    }

    /// <summary>A long answer, as one network read after another brings it.</summary>
    [Fact]
    public void A_megabyte_of_events_in_random_pieces_arrives_byte_for_byte()
    {
        var random = new Random(20261126);
        string[] pieces = [.. Enumerable.Range(0, 8_000).Select(_ => AnthropicScript.Text(0, new string((char)random.Next('a', 'z'), random.Next(1, 40))))];
        string text = string.Concat([AnthropicScript.Start, AnthropicScript.TextBlock(0), .. pieces, AnthropicScript.Close(0), AnthropicScript.End("end_turn"), AnthropicScript.Stop]);
        byte[] body = AnthropicScript.Utf8(text);
        Assert.InRange(body.Length, 1_000_000, 2_000_000);
        int at = 0;
        var cuts = new List<int>();
        while ((at += random.Next(1, 20_000)) < body.Length)
            cuts.Add(at);
        AnthropicRelayed r = AnthropicRelayed.Fed(body, AnthropicRelayed.Messages, cuts);
        Assert.Equal(text.Replace("{\"output_tokens\":4}", "{\"output_tokens\":4,\"cost\":0.0000064}", StringComparison.Ordinal), r.Output);
    }
}
