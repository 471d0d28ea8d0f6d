using System.Diagnostics;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Tests.Answers;
using static Fairlead.Protocols.Tests.Answers.Script;

namespace Fairlead.Protocols.Tests.Translation;

/// <summary>A token that is told in another dialect than it came in costs no garbage either.</summary>
[Collection(nameof(Measured))]
public class OrdinaryBlockEventTests(ITestOutputHelper log)
{
    public static TheoryData<string> Kinds => ["plain", "usage", "role", "reasoning", "escaped", "varied", "counted", "arguments", "timed", "repeating"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_thousand_translated_events_allocate_nothing(string kind)
    {
        using AnswerStream stream = Begun(kind, out PooledBuffer output);
        using (output)
            OrdinaryEventTests.AllocatesNothing(stream, output, Events(kind));
        Assert.Null(stream.Fault);
    }

    [Fact]
    public void A_translated_event_cut_in_two_allocates_nothing_either()
    {
        byte[] one = Events("plain")[0];
        using AnswerStream stream = Begun("plain", out PooledBuffer output);
        using (output)
            OrdinaryEventTests.AllocatesNothing(stream, output, [one[..100], one[100..]]);
    }

    /// <summary>Told, not asserted: a figure of a shared machine proves nothing; <c>bench/gateway.sh</c> has the whole way.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void Time_of_a_translated_event(string kind)
    {
        byte[][] events = Events(kind);
        const int Count = 20_000;
        using AnswerStream translated = Begun(kind, out PooledBuffer output);
        using AnswerStream relayed = AnswerDialects.Open(Relayed.Chat, StreamFraming.ServerSentEvents);
        OrdinaryEventTests.Run(relayed, output, [Utf8(OrdinaryEventTests.First)], 1);
        double there = double.MaxValue;
        double same = double.MaxValue;
        using (output)
        {
            for (int round = 0; round < 7; round++)
            {
                there = Math.Min(there, Nanoseconds(translated, output, events, Count));
                same = Math.Min(same, Nanoseconds(relayed, output, events, Count));
            }
        }
        log.WriteLine($"{kind}: {there:0} ns translated, {same:0} ns relayed");
        Assert.Null(translated.Fault);
    }

    private static double Nanoseconds(AnswerStream stream, PooledBuffer output, byte[][] events, int count)
    {
        long started = Stopwatch.GetTimestamp();
        OrdinaryEventTests.Run(stream, output, events, count);
        return Stopwatch.GetElapsedTime(started).TotalNanoseconds / count / events.Length;
    }

    private static AnswerStream Begun(string kind, out PooledBuffer output)
    {
        output = new PooledBuffer(64 * 1024);
        AnswerStream stream = AnswerDialects.Open(Told.Messages with { MaxOutputTokens = 100_000_000 }, StreamFraming.ServerSentEvents);
        string first = OrdinaryEventTests.First;
        if (kind is not ("arguments" or "repeating"))
            first = first.Replace("\"arguments\":\"{\"", "\"arguments\":\"{}\"", StringComparison.Ordinal); // a call that is whole may be left
        OrdinaryEventTests.Run(stream, output, [Utf8(first)], 1);
        return stream;
    }

    private static byte[][] Events(string kind) => kind switch
    {
        // llama-server tells the time of each event, not of the answer.
        "timed" => [.. Enumerable.Range(1_700_000_001, 2).Select(static at => Utf8(Text(OrdinaryEventTests.Events("plain")).Replace("1700000000", $"{at}", StringComparison.Ordinal)))],
        "repeating" => [Utf8(Text(OrdinaryEventTests.Events("arguments")).Replace("\"function\":{", "\"id\":null,\"type\":\"function\",\"function\":{\"name\":null,", StringComparison.Ordinal))],
        _ => OrdinaryEventTests.Events(kind),
    };

    private static string Text(byte[][] events) => System.Text.Encoding.UTF8.GetString(events[0]);
}
