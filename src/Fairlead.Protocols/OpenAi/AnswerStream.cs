using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Problems;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Sse;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Brings one upstream's stream into the form the caller gets: bytes in, bytes out. No I/O, no clock.</summary>
/// <remarks>
/// An ordinary event is looked at once and forwarded as it is; nothing is allocated for it. An event that breaks the rules of OpenAI's own clients is
/// written anew by <see cref="ChunkRepair"/>. The usage chunk and <c>[DONE]</c> are held back until <see cref="WriteClosing"/>: the
/// ledger is written between.
/// </remarks>
public sealed class AnswerStream : IDisposable
{
    private const int MostMalformedEvents = 2;

    private readonly StreamExpectations _expected;
    private readonly StreamFraming _framing;
    private readonly SseReader _events = new();
    private readonly ChunkRepair _repair;
    private readonly PooledBuffer _id = new(64);
    private readonly PooledBuffer _usage = new(256);
    private int _malformed;
    private bool _done;

    public AnswerStream(in StreamExpectations expectations, StreamFraming framing = StreamFraming.ServerSentEvents)
    {
        _expected = expectations;
        _framing = framing;
        _repair = new ChunkRepair(expectations);
    }

    /// <summary>An event that means something has been appended to the output: content, a tool call, a refusal, a reason to finish.</summary>
    public bool Committed { get; private set; }

    /// <summary>Any event with data has come; comments do not count.</summary>
    public bool SawRealEvent { get; private set; }

    /// <summary>How it broke, where the state is <see cref="StreamState.Faulted"/>.</summary>
    public UpstreamFault? Fault { get; private set; }

    /// <summary>The last usage that the upstream reported; null while it has reported none.</summary>
    public Usage? Usage => _usage.Length == 0 ? null : UsageReader.Read(_usage.Span, _expected.Quirks);

    /// <summary>Our own count of output tokens: events that brought content, or a quarter of its bytes where that is more.
    /// Exact for providers that send a token an event, close for others.</summary>
    public long OutputTokensSeen => Math.Max(ContentEvents, (ContentBytes + 3) / 4);

    private long ContentEvents { get; set; }

    private long ContentBytes { get; set; }

    /// <summary>Takes the next bytes of the body, cut anywhere, and appends whole events for the caller to <paramref name="output"/>.</summary>
    /// <param name="buffer">Holds the bytes from its start.</param>
    /// <param name="length">How many.</param>
    /// <param name="output">The caller's bytes.</param>
    public StreamState Accept(byte[] buffer, int length, PooledBuffer output)
    {
        if (_done || Fault is not null)
            return State;
        _events.Feed(buffer, 0, length);
        return Drain(output);
    }

    /// <summary>The body came to an orderly end.</summary>
    public StreamState End(PooledBuffer output)
    {
        if (_done || Fault is not null)
            return State;
        _events.Finish();
        Drain(output);
        if (_done || Fault is not null)
            return State;
        if (!_repair.AllFinished)
        {
            Fail(new UpstreamFault(FaultKind.Truncated, "The stream ended without a reason to finish."));
            return State;
        }
        _done = true; // no [DONE], but every choice has finished (F012)
        return State;
    }

    /// <summary>Appends what is terminal: the usage chunk if the caller asked for it, and <c>[DONE]</c>.</summary>
    /// <param name="usage">What is charged.</param>
    /// <param name="cost">The charge, told as <c>usage.cost</c>.</param>
    /// <param name="output">The caller's bytes.</param>
    public void WriteClosing(in Usage usage, NanoDollars cost, PooledBuffer output)
    {
        if (_expected.UsageAsked)
        {
            JsonObject chunk = _repair.Envelope();
            chunk["choices"] = new JsonArray();
            chunk["usage"] = UsageWriter.Complete(_usage.Span, usage, cost);
            ChunkRepair.Append(chunk, output);
        }
        output.Append("data: [DONE]\n\n"u8);
    }

    /// <summary>Appends an error event; nothing may follow it, <c>[DONE]</c> neither.</summary>
    public static void WriteError(Problem problem, string requestId, PooledBuffer output)
    {
        output.Append("data: "u8);
        ErrorObject.Write(output, problem, requestId);
        output.Append("\n\n"u8);
    }

    public void Dispose()
    {
        _events.Dispose();
        _id.Dispose();
        _usage.Dispose();
    }

    private bool Limited { get; set; }

    private StreamState State => Fault is not null ? StreamState.Faulted : Limited ? StreamState.LimitReached : _done ? StreamState.Completed : StreamState.Reading;

    private StreamState Drain(PooledBuffer output)
    {
        while (!_done && Fault is null && _events.TryRead(out SseEvent item))
            Take(item, output);
        if (_events.IsOversize && Fault is null)
            Fail(new UpstreamFault(FaultKind.EventTooLarge, $"One event was larger than {SseReader.DefaultMostBytesPerEvent >> 20} MiB."));
        return State;
    }

    private void Take(in SseEvent item, PooledBuffer output)
    {
        if (IsDone(item.Data))
        {
            Finish(output);
            return;
        }
        SawRealEvent = true;
        if (item.Name.SequenceEqual("error"u8))
        {
            Fail(FaultClassifier.FromErrorEvent(item.Data));
            return;
        }
        ChunkGlance glance = ChunkGlance.At(item.Data, _expected.Route == Route.Chat);
        if (glance.Usage.End.Value > 0)
            Keep(item.Data[glance.Usage]);
        if (glance.IsPlain && !item.Raw.IsEmpty && _repair.AcceptsPlain(glance.HasRole) && SameId(glance.Id))
        {
            Forward(item, glance, output);
            return;
        }
        Rewrite(item.Data, output);
    }

    private void Forward(in SseEvent item, ChunkGlance glance, PooledBuffer output)
    {
        if (glance.ContentBytes > 0)
        {
            if (_expected.MaxOutputTokens is { } most && _repair.ContentEvents(0) >= most)
            {
                Cut(output);
                return;
            }
            _repair.CountContent(0);
            ContentEvents++;
            ContentBytes += glance.ContentBytes;
            Committed = true;
        }
        _repair.NotePlain(item.Data, glance.HasRole);
        // A usage of null is left out where the caller did not ask for usage; a count on an ordinary chunk is told once, at the end.
        if (glance.UsageMember.End.Value > 0 && (!_expected.UsageAsked || glance.Usage.End.Value > 0))
        {
            int offset = item.Raw.Length - 2 - item.Data.Length;
            (int start, int length) = glance.UsageMember.GetOffsetAndLength(item.Data.Length);
            output.Append(item.Raw[..(offset + start)]);
            output.Append(item.Raw[(offset + start + length)..]);
            return;
        }
        output.Append(item.Raw);
    }

    private void Rewrite(ReadOnlySpan<byte> data, PooledBuffer output)
    {
        JsonObject? chunk = _repair.Read(data, _framing);
        if (chunk is null)
        {
            if (++_malformed > MostMalformedEvents)
                Fail(new UpstreamFault(FaultKind.Malformed, "Three events of the stream were no JSON objects."));
            return;
        }
        if (ErrorIn(chunk))
        {
            Fail(FaultClassifier.FromErrorEvent(data));
            return;
        }
        if (_repair.UsageOf(chunk) is { } usage)
            Keep(System.Text.Encoding.UTF8.GetBytes(usage.ToJsonString()));
        RepairedChunk repaired = _repair.Repair(chunk, _expected.MaxOutputTokens);
        if (repaired.Fault is { } fault)
        {
            Fail(fault);
            return;
        }
        ContentEvents += repaired.ContentEvents;
        ContentBytes += repaired.ContentBytes;
        if (repaired.Chunk is { } written)
            ChunkRepair.Append(written, output);
        Committed |= repaired.IsSemantic;
        if (repaired.OverLimit)
            Cut(output);
        else if (repaired.EndsStream)
            Finish(output);
    }

    /// <summary>The upstream says it is over. A choice that never got a reason to finish gets one, as OpenAI's stream helper insists on it.</summary>
    private void Finish(PooledBuffer output)
    {
        if (!_repair.AnyContent && !_repair.AllFinished && !Committed)
        {
            Fail(new UpstreamFault(FaultKind.Malformed, "The stream ended before it said anything."));
            return;
        }
        foreach (JsonObject chunk in _repair.MissingFinishes("stop"))
        {
            ChunkRepair.Append(chunk, output);
            Committed = true;
        }
        _done = true;
    }

    private void Cut(PooledBuffer output)
    {
        foreach (JsonObject chunk in _repair.MissingFinishes("length"))
            ChunkRepair.Append(chunk, output);
        Committed = true;
        Limited = true;
        _done = true;
    }

    private void Keep(ReadOnlySpan<byte> usage)
    {
        _usage.Clear();
        _usage.Append(usage);
    }

    private bool SameId(ReadOnlySpan<byte> id)
    {
        if (id.IsEmpty)
            return false;
        if (_id.Length == 0)
        {
            _id.Append(id);
            return _repair.AdoptId(id);
        }
        return _id.Span.SequenceEqual(id);
    }

    private void Fail(UpstreamFault fault) => Fault = fault;

    private static bool ErrorIn(JsonObject chunk) =>
        (chunk["error"] is { } error && error.GetValueKind() is not (JsonValueKind.Null or JsonValueKind.False))
        || (chunk["x_groq"] is JsonObject groq && groq["error"] is not null);

    /// <summary><c>[DONE]</c> with spaces around it, in lower case or in quotes is meant the same (F015).</summary>
    private static bool IsDone(ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<byte> trimmed = data.Trim(" \t\""u8);
        return trimmed.Length == 6 && trimmed[0] == (byte)'[' && trimmed[5] == (byte)']'
            && (trimmed[1] | 0x20) == (byte)'d' && (trimmed[2] | 0x20) == (byte)'o' && (trimmed[3] | 0x20) == (byte)'n' && (trimmed[4] | 0x20) == (byte)'e';
    }
}
