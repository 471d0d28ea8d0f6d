using System.Diagnostics;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;
using Fairlead.Shared;
using static Fairlead.Protocols.Tests.Answers.Script;

namespace Fairlead.Protocols.Tests.Answers;

/// <summary>What every streamed token of every caller passes: nothing is allocated, little time is spent, large events are bounded.</summary>
[Collection(nameof(Measured))]
public class OrdinaryEventTests(ITestOutputHelper log)
{
    private static readonly string Ordinary =
        "data: {\"id\":\"chatcmpl-7QyqpwdfhqwajicIEznoc6Q47XAyW\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"gpt-4o-mini\",\"system_fingerprint\":\"fp_44709d6fcb\","
        + "\"choices\":[{\"index\":0,\"delta\":{\"content\":\" wo\"},\"finish_reason\":null}]}\n\n";

    internal static string First => Ordinary.Replace("\"content\":\" wo\"", "\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]", StringComparison.Ordinal);

    public static TheoryData<string> Kinds => ["plain", "usage", "role", "reasoning", "escaped", "varied", "counted", "arguments"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_thousand_ordinary_events_allocate_nothing(string kind)
    {
        byte[][] events = Events(kind);
        using var stream = new ChunkStream(Relayed.Chat with { MaxOutputTokens = 1_000_000 });
        using var output = new PooledBuffer(64 * 1024);
        Run(stream, output, [Utf8(First)], 1);
        AllocatesNothing(stream, output, events);
    }

    [Fact]
    public void An_ordinary_event_cut_in_two_allocates_nothing_either()
    {
        byte[] one = Utf8(Ordinary);
        byte[][] halves = [one[..100], one[100..]];
        using var stream = new ChunkStream(Relayed.Chat);
        using var output = new PooledBuffer(64 * 1024);
        Run(stream, output, [Utf8(First)], 1);
        AllocatesNothing(stream, output, halves);
    }

    /// <summary>Told, not asserted: a figure of a shared machine in a debug build proves nothing.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void Time_of_an_ordinary_event(string kind)
    {
        byte[][] events = Events(kind);
        using var stream = new ChunkStream(Relayed.Chat);
        using var output = new PooledBuffer(64 * 1024);
        Run(stream, output, [Utf8(First)], 1);
        const int Count = 20_000;
        double best = double.MaxValue;
        for (int round = 0; round < 7; round++)
        {
            long started = Stopwatch.GetTimestamp();
            Run(stream, output, events, Count);
            best = Math.Min(best, Stopwatch.GetElapsedTime(started).TotalNanoseconds / Count / events.Length);
        }
        log.WriteLine($"{kind}: {best:0} ns an event of {events[0].Length} bytes");
        Assert.Null(stream.Fault);
    }

    [Fact]
    public void F040_an_event_of_6_MiB_in_pieces_of_1_KiB_arrives()
    {
        byte[] body = Utf8(Role, Content(new string('x', 6 << 20)), Fk("stop"), Done);
        Relayed r = Relayed.Fed(body, Relayed.Chat, StreamFraming.ServerSentEvents, Enumerable.Range(1, body.Length / 1024).Select(static n => n * 1024));
        Assert.Equal(body.Length, r.Output.Length);
        Assert.Equal(StreamState.Completed, r.State);
    }

    [Theory]
    [InlineData(StreamFraming.ServerSentEvents)]
    [InlineData(StreamFraming.NdJson)]
    public void F041_a_line_that_never_ends_is_given_up_at_the_bound(StreamFraming framing)
    {
        using var stream = new ChunkStream(Relayed.Chat, framing);
        using var output = new PooledBuffer();
        byte[] piece = Utf8(new string('x', 64 * 1024));
        byte[] start = "data: {\""u8.ToArray();
        stream.Accept(start, start.Length, output);
        int fed = 0;
        while (stream.Accept(piece, piece.Length, output) == StreamState.Reading && fed < 70 << 20)
            fed += piece.Length;
        Assert.Equal(FaultKind.EventTooLarge, stream.Fault!.Kind);
        Assert.InRange(fed, (8 << 20) - piece.Length, 9 << 20);
        Assert.Equal(0, output.Length);
    }

    internal static byte[][] Events(string kind) => kind switch
    {
        "usage" => [Utf8(Transcripts.WithUsage(Ordinary, "null"))],
        "role" => [Utf8(Ordinary.Replace("\"content\"", "\"role\":\"assistant\",\"content\"", StringComparison.Ordinal))],
        "reasoning" => [Utf8(Ordinary.Replace("\"content\"", "\"content\":null,\"reasoning_content\"", StringComparison.Ordinal))],
        "escaped" => [Utf8(Ordinary.Replace(" wo", "\\u00e9\\n\\\"", StringComparison.Ordinal))],
        "varied" => [Utf8(Ordinary), Utf8(Ordinary.Replace("\"finish_reason\":null", "\"logprobs\":null,\"finish_reason\":null", StringComparison.Ordinal))],
        "arguments" => [Utf8(Ordinary.Replace("\"content\":\" wo\"", "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"\\\"w\\u00f6\\\", \"}}]", StringComparison.Ordinal))],
        "counted" => [Utf8(Transcripts.WithUsage(Ordinary, Counts(7, 1)))],
        _ => [Utf8(Ordinary)],
    };

    /// <summary>Twice: as the first streams of a process find the code, compiled in haste, and once it has been compiled well.</summary>
    internal static void AllocatesNothing(AnswerStream stream, PooledBuffer output, byte[][] events)
    {
        Run(stream, output, events, 20); // buffers grow, patterns are learnt
        foreach (int count in (ReadOnlySpan<int>)[1_000, 3_000])
            Assert.Equal(0, Allocation.Of(() => Run(stream, output, events, count)));
    }

    internal static void Run(AnswerStream stream, PooledBuffer output, byte[][] events, int count)
    {
        for (int i = 0; i < count; i++)
        {
            foreach (byte[] one in events)
                stream.Accept(one, one.Length, output);
            output.Clear();
        }
    }
}
