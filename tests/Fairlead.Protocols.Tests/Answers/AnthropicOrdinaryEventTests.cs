using System.Diagnostics;
using Fairlead.Protocols.Anthropic;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Shared;
using static Fairlead.Protocols.Tests.Answers.AnthropicScript;

namespace Fairlead.Protocols.Tests.Answers;

/// <summary>What every streamed token of Anthropic's passes, at either door: nothing is allocated.</summary>
[Collection(nameof(Measured))]
public class AnthropicOrdinaryEventTests(ITestOutputHelper log)
{
    public static TheoryData<string, bool> Kinds
    {
        get
        {
            var kinds = new TheoryData<string, bool>();
            foreach (string kind in (string[])["text", "escaped", "padded", "thinking", "input", "ping", "halves", "cut"])
            {
                kinds.Add(kind, false);
                kinds.Add(kind, true);
            }
            return kinds;
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_thousand_ordinary_events_allocate_nothing(string kind, bool chunks)
    {
        // Once before, so that the pool has what the text of a thinking block, which is kept, grows into.
        using (MessagesStream warm = Begun(kind, chunks))
        using (var output = new PooledBuffer(64 * 1024))
            Run(warm, output, Events(kind), 5_000);
        using MessagesStream stream = Begun(kind, chunks);
        using var caller = new PooledBuffer(64 * 1024);
        Run(stream, caller, Events(kind), 20);
        foreach (int count in (ReadOnlySpan<int>)[1_000, 3_000])
        {
            byte[][] events = Events(kind);
            Assert.Equal(0, Allocation.Of(() => Run(stream, caller, events, count)));
        }
        Assert.Null(stream.Fault);
    }

    /// <summary>Told, not asserted: a figure of a shared machine in a debug build proves nothing.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void Time_of_an_ordinary_event(string kind, bool chunks)
    {
        byte[][] events = Events(kind);
        using MessagesStream stream = Begun(kind, chunks);
        using var output = new PooledBuffer(64 * 1024);
        const int Count = 20_000;
        double best = double.MaxValue;
        for (int round = 0; round < 7; round++)
        {
            long started = Stopwatch.GetTimestamp();
            Run(stream, output, events, Count);
            best = Math.Min(best, Stopwatch.GetElapsedTime(started).TotalNanoseconds / Count / events.Length);
        }
        log.WriteLine($"{kind}{(chunks ? " in chunks" : "")}: {best:0} ns an event of {events[0].Length} bytes");
        Assert.Null(stream.Fault);
    }

    private static MessagesStream Begun(string kind, bool chunks)
    {
        var stream = new MessagesStream((chunks ? AnthropicRelayed.Chat : AnthropicRelayed.Messages) with { MaxOutputTokens = 1_000_000 });
        using var output = new PooledBuffer();
        byte[] start = Utf8(Start, kind == "thinking" ? ThinkingBlock(0) : kind == "input" ? ToolBlock(0, "a", "f") : TextBlock(0));
        stream.Accept(start, start.Length, output);
        return stream;
    }

    private static byte[][] Events(string kind) => kind switch
    {
        "escaped" => [Utf8(Text(0, "\\u00e9\\n\\\""))],
        "padded" => [Utf8(Delta(0, "{\"type\":\"text_delta\",\"text\":\" wo\"}       ")), Utf8(Delta(0, "{\"type\":\"text_delta\",\"text\":\" wo\"}"))],
        "thinking" => [Utf8(Thinking(0, " wo"))],
        "input" => [Utf8(Input(0, "\\\"a\\\": "))],
        "ping" => [Utf8(Ping)],
        "halves" => [Utf8(Text(0, "a\\ud83d")), Utf8(Text(0, "\\ude00b"))],
        "cut" => [Utf8(Text(0, " wo"))[..60], Utf8(Text(0, " wo"))[60..]],
        _ => [Utf8(Text(0, " wo"))],
    };

    private static void Run(MessagesStream stream, PooledBuffer output, byte[][] events, int count)
    {
        for (int i = 0; i < count; i++)
        {
            foreach (byte[] one in events)
                stream.Accept(one, one.Length, output);
            output.Clear();
        }
    }
}
