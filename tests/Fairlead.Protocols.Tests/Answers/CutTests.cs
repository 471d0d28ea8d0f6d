using Fairlead.Protocols.Dialects;
using FsCheck;
using FsCheck.Fluent;

namespace Fairlead.Protocols.Tests.Answers;

/// <summary>What the caller gets does not depend on how the network cut what the upstream sent.</summary>
public class CutTests
{
    /// <summary>Splits that all transcripts together must go through.</summary>
    private const int Splits = 200_000;

    [Fact]
    public void Fifty_streams_cut_in_200_000_ways_come_out_alike()
    {
        (byte[] Body, StreamExpectations Expected)[] all = [.. Transcripts.All()];
        Assert.Equal(50, all.Length);
        int done = 0;
        foreach ((byte[] body, StreamExpectations expected) in all)
        {
            Relayed whole = Relayed.Fed(body, expected, StreamFraming.ServerSentEvents, []);
            whole.InsistOnForm();
            // Every cut in two, every even piece size, then cuts in three that walk through the body.
            var cuts = Enumerable.Range(1, body.Length - 1).Select(static cut => new[] { cut })
                .Concat(Enumerable.Range(1, 64).Select(size => Enumerable.Range(1, body.Length / size).Select(n => n * size).ToArray()))
                .Concat(Enumerable.Range(0, int.MaxValue).Select(n => new[] { 1 + (n % (body.Length - 1)), 1 + ((int)(n * 7919L % (body.Length - 1))) }.Order().ToArray()))
                .Take(Splits / all.Length);
            foreach (int[] cut in cuts)
            {
                Relayed other = Relayed.Fed(body, expected, StreamFraming.ServerSentEvents, cut);
                if (other.Output != whole.Output || other with { Output = "" } != whole with { Output = "" })
                    Assert.Fail($"Cut at {string.Join(", ", cut.Take(8))}:\nwhole: {whole}\nthen:  {other}");
                done++;
            }
        }
        Assert.Equal(Splits, done);
    }

    [Fact]
    public void Any_cuts_of_any_streams_in_a_row_come_out_alike()
    {
        (byte[] Body, StreamExpectations Expected)[] all = [.. Transcripts.All()];
        Prop.ForAll((NonNegativeInt which, PositiveInt[] pieces) =>
        {
            (byte[] body, StreamExpectations expected) = all[which.Get % all.Length];
            int at = 0;
            var cuts = pieces.Select(p => at += p.Get).TakeWhile(cut => cut < body.Length).ToArray();
            return Relayed.Fed(body, expected, StreamFraming.ServerSentEvents, cuts) == Relayed.Fed(body, expected, StreamFraming.ServerSentEvents, []);
        }).QuickCheckThrowOnFailure();
    }
}
