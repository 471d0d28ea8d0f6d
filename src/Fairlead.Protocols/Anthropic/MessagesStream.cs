using System.Text;
using System.Text.Unicode;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Faults;
using Fairlead.Protocols.OpenAi;
using Fairlead.Protocols.Sse;
using Fairlead.Protocols.Translation;

namespace Fairlead.Protocols.Anthropic;

/// <summary>Reads a stream of Anthropic's events and gives it to the caller in the dialect of its door: as it came, or as chunks.</summary>
/// <remarks>
/// Each event is looked at once; an ordinary one allocates nothing. A message's start and the start of an empty block say nothing yet and commit nothing, so
/// until the first piece of content a fault goes to the next candidate (F157). What ends the message is held back until <see cref="WriteClosing"/>: the ledger
/// is written between.
/// </remarks>
public sealed class MessagesStream : AnswerStream
{
    private const int MostMalformedEvents = 2;

    /// <summary>What may gather of pings and unknown events while nothing has been said, or after the end; further ones are dropped.</summary>
    private const int MostHeldBack = 64 * 1024;

    /// <summary>What may gather in all while nothing has been said.</summary>
    private const int MostBeforeContent = 1 << 20;

    private readonly StreamExpectations _expected;
    private readonly SseReader _events = new();
    private readonly MessageWriter _writer;
    private MessageOrder _order = new();
    private MessageCounts _counts;
    private JsonBalance _input;
    private bool _brokeOffInCall;
    private int _heldBack;
    private bool _limited;
    private bool _done;

    /// <param name="expected">The request; its route says how the answer leaves.</param>
    public MessagesStream(in StreamExpectations expected)
    {
        _expected = expected;
        _writer = expected.Route.Dialect() == Dialect.Anthropic ? new MessageRelay(expected) : new BlocksToChunks(expected);
    }

    /// <summary>Events that were no JSON objects, or closed what was not open, and were dropped (fault U-24); the third is a fault.</summary>
    public int MalformedEvents { get; private set; }

    /// <inheritdoc/>
    public override Usage? Usage => _counts.HasInput || _counts.HasOutput ? _counts.ToUsage(_expected.InputTokensExpected, OutputTokensSeen) : null;

    /// <inheritdoc/>
    public override bool UsageIsPartial => !(_counts.HasInput && _counts.HasOutput);

    /// <inheritdoc/>
    public override long OutputTokensSeen => Math.Max(ContentEvents, (ContentBytes + 3) / 4);

    private long ContentEvents { get; set; }

    private long ContentBytes { get; set; }

    private StreamState State => Fault is not null ? StreamState.Faulted : _limited ? StreamState.LimitReached : _done ? StreamState.Completed : StreamState.Reading;

    /// <inheritdoc/>
    public override StreamState Accept(byte[] buffer, int length, PooledBuffer output)
    {
        if (State != StreamState.Reading)
            return State;
        _events.Feed(buffer, 0, length);
        return Drain(output);
    }

    /// <inheritdoc/>
    public override StreamState End(PooledBuffer output)
    {
        if (State != StreamState.Reading)
            return State;
        _events.Finish();
        if (Drain(output) != StreamState.Reading)
            return State;
        if (_order.HasReason)
            Finish(output); // no message_stop, but the upstream has said why it ended (F164)
        else
            Fail(FaultKind.Truncated, "The stream ended without a reason to stop.");
        return State;
    }

    /// <inheritdoc/>
    public override StreamState Replay(ReadOnlySpan<byte> whole, PooledBuffer output)
    {
        foreach (byte[] data in ReplayedMessage.Events(whole))
        {
            if (State != StreamState.Reading)
                return State;
            MessageEvent item = MessageEvent.Read(data, default, default);
            Take(in item, output);
        }
        if (State == StreamState.Reading)
            Fail(FaultKind.Malformed, "The whole answer could not be told as a stream.");
        return State;
    }

    /// <inheritdoc/>
    public override void WriteClosing(in Usage usage, NanoDollars cost, PooledBuffer output) => _writer.WriteClosing(UsageIsPartial ? null : Usage, usage, cost, output);

    /// <inheritdoc/>
    public override void Dispose()
    {
        _events.Dispose();
        _writer.Dispose();
    }

    private StreamState Drain(PooledBuffer output)
    {
        while (State == StreamState.Reading && _events.TryRead(out SseEvent item))
        {
            // What is no UTF-8 becomes U+FFFD (fault U-26).
            MessageEvent read = Utf8.IsValid(item.Data) && Utf8.IsValid(item.Name)
                ? MessageEvent.Read(item.Data, item.Name, item.Raw)
                : MessageEvent.Read(Mended(item.Data), Mended(item.Name), default);
            Take(in read, output);
        }
        if (State == StreamState.Reading && _events.IsOversize)
            Fail(FaultKind.EventTooLarge, $"One event was larger than {SseReader.DefaultMostBytesPerEvent >> 20} MiB.");
        return State;
    }

    private void Take(scoped ref readonly MessageEvent item, PooledBuffer output)
    {
        if (item.Kind == MessageEventKind.Ping)
        {
            if (!item.IsBroken) // clients pass over it by its name, but some read it first
                Pass(in item, output);
            return;
        }
        RealEvents++;
        if (item.Kind == MessageEventKind.Error)
        {
            Fault = FaultClassifier.FromErrorEvent(item.Data);
            return;
        }
        if (item.IsBroken || _order.IsIdle(in item))
        {
            // Some servers end this stream, too, as OpenAI ends its own.
            if (!item.Data.Trim(" \t"u8).SequenceEqual("[DONE]"u8) && ++MalformedEvents > MostMalformedEvents)
                Fail(FaultKind.Malformed, "Three events of the stream were none of Anthropic's.");
            return;
        }
        if (item.Kind == MessageEventKind.Unknown)
        {
            Pass(in item, output);
            return;
        }
        if (item.Kind is MessageEventKind.BlockStart or MessageEventKind.BlockStop or MessageEventKind.MessageDelta or MessageEventKind.MessageStop)
            CloseBlock();
        if (_order.Admit(in item) is { } misplaced)
        {
            Fail(FaultKind.Malformed, misplaced);
            return;
        }
        if (Count(in item))
            Forward(in item, output);
        else
            Limit(in item, output);
    }

    /// <summary>Takes note of what an event brings.</summary>
    /// <returns>False when the caller's limit has no room for it (fault U-35): a provider sends at most one piece a token.</returns>
    private bool Count(scoped ref readonly MessageEvent item)
    {
        switch (item.Kind)
        {
            case MessageEventKind.MessageStart:
                _counts.TakeStart(item.Data[item.Usage]);
                return true;
            case MessageEventKind.MessageDelta:
                _counts.TakeEnd(item.Data[item.Usage]);
                return true;
            case MessageEventKind.BlockStart:
                return item.Block == ContentKind.RedactedThinking || Said(item.Block == ContentKind.ToolUse ? item.Tool.Length : item.Text.Length);
            case MessageEventKind.BlockDelta when item.Delta == DeltaKind.InputJson && _order.Block == ContentKind.ToolUse:
                _input.FeedEscaped(item.Text);
                return Said(item.Text.Length);
            case MessageEventKind.BlockDelta:
                return item.Delta == DeltaKind.Signature || Said(item.Text.Length);
            default:
                return true;
        }
    }

    private bool Said(int bytes)
    {
        if (bytes == 0)
            return true;
        if (_expected.MaxOutputTokens is > 0 and { } most && ContentEvents >= most)
            return false;
        ContentEvents++;
        ContentBytes += bytes;
        return true;
    }

    private void Forward(scoped ref readonly MessageEvent item, PooledBuffer output)
    {
        if (item.Kind == MessageEventKind.MessageDelta && item.StopReason.Length > 0 && _brokeOffInCall && !MayBreakOff(item.StopReason))
        {
            FailInCall();
            return;
        }
        if (item.Kind == MessageEventKind.MessageStop)
        {
            // The reason comes before the stop, wherever the upstream has it.
            if (ReadyToFinish())
            {
                _writer.Write(in item, output);
                Finish(output);
            }
            return;
        }
        if (_writer.Refuse(in item) is { } refused)
        {
            Fault = refused;
            return;
        }
        int before = output.Length;
        bool written = _writer.Write(in item, output);
        Committed |= written && item.IsSemantic;
        if (!Committed && (_heldBack += output.Length - before) > MostBeforeContent)
            Fail(FaultKind.Malformed, "The stream said nothing in its first MiB.");
    }

    /// <summary>A ping, or an event that nobody here knows. What would pile up is dropped.</summary>
    private void Pass(scoped ref readonly MessageEvent item, PooledBuffer output)
    {
        if ((!Committed || _order.HasReason) && (_heldBack += item.Data.Length) > MostHeldBack)
            return;
        _writer.Write(in item, output);
    }

    /// <summary>A stop without a reason, and without anything said, is no answer; one inside of a tool's input is not made to look whole (fault U-37).</summary>
    private bool ReadyToFinish()
    {
        if (_order.HasReason)
            return true;
        if (_brokeOffInCall)
            FailInCall();
        else if (ContentEvents == 0)
            Fail(FaultKind.Malformed, "The stream ended before it said anything.");
        return Fault is null;
    }

    private void Finish(PooledBuffer output)
    {
        _writer.Finish(_order.HasReason ? default : _order.Block == ContentKind.ToolUse ? "tool_use"u8 : "end_turn"u8, _order.Open, output);
        Committed = true;
        _done = true;
    }

    private void Limit(scoped ref readonly MessageEvent item, PooledBuffer output)
    {
        // A block that the limit leaves no room for has not begun for the caller.
        _writer.Finish("max_tokens"u8, item.Kind == MessageEventKind.BlockStart ? -1 : _order.Open, output);
        _limited = true;
    }

    /// <summary>The open block ends, or another one begins, which comes to the same.</summary>
    private void CloseBlock()
    {
        _brokeOffInCall |= _input.IsOpen;
        _input = default;
    }

    private void FailInCall() => Fail(FaultKind.Truncated, "The stream ended inside the input of a tool's call.");

    private void Fail(FaultKind kind, string detail) => Fault = new UpstreamFault(kind, detail, 200);

    /// <summary>Reasons that cut an answer where it stands, be it inside a tool's input.</summary>
    private static bool MayBreakOff(ReadOnlySpan<byte> reason) =>
        reason.SequenceEqual("max_tokens"u8) || reason.SequenceEqual("model_context_window_exceeded"u8) || reason.SequenceEqual("refusal"u8) || reason.SequenceEqual("pause_turn"u8);

    private static byte[] Mended(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(bytes));
}
