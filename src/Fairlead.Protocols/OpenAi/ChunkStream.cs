using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Faults;
using Fairlead.Protocols.Sse;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Reads a stream of OpenAI's chunks; a <see cref="ChunkTeller"/> tells them to the caller.</summary>
/// <remarks>
/// An ordinary event is looked at once and told as it is; nothing is allocated for it. An event that breaks the rules of OpenAI's own clients is
/// written anew by <see cref="ChunkRepair"/> first. What ends the answer is held back until <see cref="WriteClosing"/>: the
/// ledger is written between.
/// </remarks>
public sealed class ChunkStream : AnswerStream
{
    private const int MostMalformedEvents = 2;

    private readonly StreamExpectations _expected;
    private readonly SseReader? _events;
    private readonly LineReader? _lines;
    private readonly ChunkRepair _repair;
    private readonly ChunkTeller _teller;
    private readonly PlainPattern _pattern = new();
    private readonly PooledBuffer _usage = new(256);
    private bool _limited;
    private bool _done;

    /// <summary>For a caller who is told chunks.</summary>
    public ChunkStream(in StreamExpectations expectations, StreamFraming framing = StreamFraming.ServerSentEvents)
        : this(expectations, framing, new StreamEnvelope(expectations))
    {
    }

    /// <param name="expectations">The request, as one of OpenAI's routes.</param>
    /// <param name="framing">How the body is divided.</param>
    /// <param name="envelope">Takes what the stream says about itself.</param>
    /// <param name="teller">Tells the caller; disposed with the stream.</param>
    internal ChunkStream(in StreamExpectations expectations, StreamFraming framing, StreamEnvelope envelope, ChunkTeller teller)
    {
        _expected = expectations;
        _repair = new ChunkRepair(expectations, envelope);
        _teller = teller;
        if (framing == StreamFraming.NdJson)
            _lines = new LineReader();
        else
            _events = new SseReader();
    }

    private ChunkStream(in StreamExpectations expectations, StreamFraming framing, StreamEnvelope envelope)
        : this(expectations, framing, envelope, new ChunkForwarder(expectations, envelope))
    {
    }

    /// <summary>Events that were no JSON objects and were dropped (fault U-24); the third is a fault.</summary>
    public int MalformedEvents { get; private set; }

    /// <summary>How long the upstream says it loaded the model before this answer (Ollama); null when it says nothing.</summary>
    public TimeSpan? ModelLoad { get; private set; }

    /// <inheritdoc/>
    public override Usage? Usage => _usage.Length == 0 ? null : UsageReader.Read(_usage.Span, _expected.Quirks);

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
        _events?.Feed(buffer, 0, length);
        _lines?.Feed(buffer, 0, length);
        return Drain(output);
    }

    /// <inheritdoc/>
    public override StreamState End(PooledBuffer output)
    {
        if (State != StreamState.Reading)
            return State;
        _events?.Finish();
        _lines?.Finish();
        if (Drain(output) != StreamState.Reading)
            return State;
        if (_repair.AllFinished)
            _done = true; // no [DONE], but every choice has finished (F012)
        else
            Fail(new UpstreamFault(FaultKind.Truncated, "The stream ended without a reason to finish."));
        return State;
    }

    /// <inheritdoc/>
    public override void WriteClosing(in Usage usage, NanoDollars cost, PooledBuffer output) => _teller.Close(_usage.Span, usage, cost, output);

    /// <inheritdoc/>
    public override void Dispose()
    {
        _events?.Dispose();
        _lines?.Dispose();
        _pattern.Dispose();
        _usage.Dispose();
        _teller.Dispose();
    }

    /// <inheritdoc/>
    /// <remarks>Per choice its role, what it says, its end.</remarks>
    public override StreamState Replay(ReadOnlySpan<byte> whole, PooledBuffer output)
    {
        if (OddJson.Parse(WholeAnswer.Text(whole)) is not { } answer || answer["choices"] is not JsonArray { Count: > 0 })
        {
            Fail(new UpstreamFault(FaultKind.Malformed, "The whole answer could not be told as a stream.", 200));
            return State;
        }
        RealEvents++;
        foreach (JsonObject chunk in ReplayedAnswer.Chunks(answer, _expected.Route == Route.Chat))
        {
            if (State == StreamState.Reading)
                Mend(chunk, halves: false, output);
        }
        if (State == StreamState.Reading)
            Finish(output);
        return State;
    }

    private StreamState Drain(PooledBuffer output)
    {
        if (_events is not null)
        {
            while (State == StreamState.Reading && _events.TryRead(out SseEvent item))
                Take(item.Data.Trim(" \t\n"u8), item.Name, output);
        }
        else
        {
            while (State == StreamState.Reading && _lines!.TryRead(out ReadOnlySpan<byte> line))
            {
                RealEvents++;
                Rewrite(line, output);
            }
        }
        if (State == StreamState.Reading && (_events?.IsOversize ?? _lines!.IsOversize))
            Fail(new UpstreamFault(FaultKind.EventTooLarge, $"One event was larger than {SseReader.DefaultMostBytesPerEvent >> 20} MiB."));
        return State;
    }

    private void Take(ReadOnlySpan<byte> data, ReadOnlySpan<byte> name, PooledBuffer output)
    {
        if (IsDone(data))
        {
            Finish(output);
            return;
        }
        RealEvents++;
        if (name.SequenceEqual("error"u8))
        {
            Fail(FaultClassifier.FromErrorEvent(data));
            return;
        }
        if (_repair.MayGoOn(bringsRole: false) && _pattern.Matches(data, out OrdinaryChunk known))
        {
            if (IsOver(_repair.First.ContentEvents, reported: null) || !TryTell(data, known, output))
                Rewrite(data, output);
            return;
        }
        ChunkGlance glance = ChunkGlance.At(data, _expected.Route == Route.Chat);
        if (!glance.IsPlain || !_teller.CanTell(glance) || data.Contains((byte)'\n') || !_repair.Admits(glance) || !TryTellPlain(data, glance, output))
            Rewrite(data, output);
    }

    private bool TryTellPlain(ReadOnlySpan<byte> data, ChunkGlance glance, PooledBuffer output)
    {
        bool hasUsage = glance.Usage.End.Value > 0;
        Usage? reported = hasUsage ? Keep(data[glance.Usage]) : null;
        if (glance.ContentBytes > 0 && IsOver(_repair.First.ContentEvents, reported))
            return false;
        // A usage of null is left out where the caller did not ask for usage; a count on an ordinary chunk is told once, at the end.
        Range usage = hasUsage || !_expected.UsageAsked ? glance.UsageMember : default;
        Range role = _repair.First.HasRole ? glance.RoleMember : default;
        bool usageFirst = usage.Start.Value < role.Start.Value;
        if (!TryTell(data, new OrdinaryChunk(glance.Kind, glance.Text, glance.ContentBytes, usageFirst ? usage : role, usageFirst ? role : usage, glance.Call), output))
            return false;
        if (glance.Text.End.Value > 0 && !hasUsage && !glance.HasRole)
            _pattern.Learn(data, glance.Kind, glance.Call, glance.Text, usage);
        _repair.First.HasRole |= glance.HasRole;
        return true;
    }

    /// <summary>False when it must be mended after all: a piece of a call that has not begun, or that the caller knows by another number.</summary>
    private bool TryTell(ReadOnlySpan<byte> data, in OrdinaryChunk chunk, PooledBuffer output)
    {
        OrdinaryChunk told = chunk;
        if (chunk.Kind == TextKind.Arguments)
        {
            if (_repair.First.NumberOf(chunk.Call) is not { } number || (_teller.IsVerbatim && number != chunk.Call))
                return false;
            _repair.First.Continue(number, data[chunk.Text]);
            told = chunk with { Call = number };
        }
        if (chunk.TextBytes > 0)
        {
            _repair.First.ContentEvents++;
            ContentEvents++;
            ContentBytes += chunk.TextBytes;
            Committed = true;
        }
        if (_teller.Tell(data, told, output) is { } broken)
            Fail(broken);
        return true;
    }

    private void Rewrite(ReadOnlySpan<byte> data, PooledBuffer output)
    {
        JsonObject? chunk = OddJson.Parse(data, out bool halves);
        if (chunk is null)
        {
            if (++MalformedEvents > MostMalformedEvents)
                Fail(new UpstreamFault(FaultKind.Malformed, "Three events of the stream were no JSON objects."));
            return;
        }
        if (ErrorIn(chunk) is { } error)
        {
            Fail(FaultClassifier.FromErrorEvent(Encoding.UTF8.GetBytes(error)));
            return;
        }
        bool done = false;
        if (_lines is not null)
        {
            chunk = OllamaChunk.ToOpenAi(chunk, _expected.Route == Route.Chat, out done, out TimeSpan? load);
            ModelLoad = load ?? ModelLoad;
        }
        Mend(chunk, halves, output);
        if (done && State == StreamState.Reading)
            Finish(output);
    }

    private void Mend(JsonObject chunk, bool halves, PooledBuffer output)
    {
        Usage? reported = ChunkRepair.TakeUsage(chunk) is { } usage ? Keep(Encoding.UTF8.GetBytes(usage.ToJsonString())) : null;
        RepairedChunk repaired = _repair.Repair(chunk, halves, events => IsOver(events, reported));
        if (repaired.Fault is { } fault)
        {
            Fail(fault);
            return;
        }
        ContentEvents += repaired.ContentEvents;
        ContentBytes += repaired.ContentBytes;
        if (repaired.Chunk is { } mended && _teller.Tell(mended, repaired.IsSemantic, output) is { } broken)
        {
            Fail(broken);
            return;
        }
        Committed |= repaired.IsSemantic;
        if (repaired.OverLimit)
            _limited = true;
    }

    /// <summary>The upstream says it is over. A choice that never got a reason to finish gets one, as OpenAI's stream helper insists on it; one that broke
    /// off inside a tool call is not made to look whole (fault U-37).</summary>
    private void Finish(PooledBuffer output)
    {
        if (!_repair.AnyContent && !_repair.AllFinished)
        {
            Fail(new UpstreamFault(FaultKind.Malformed, "The stream ended before it said anything."));
            return;
        }
        if (_repair.BrokeOffInCall)
        {
            Fail(new UpstreamFault(FaultKind.Truncated, "The stream ended inside the arguments of a tool call."));
            return;
        }
        foreach (JsonObject chunk in _repair.MissingFinishes("stop"))
        {
            if (_teller.Tell(chunk, isSemantic: true, output) is { } broken)
            {
                Fail(broken);
                return;
            }
            Committed = true;
        }
        _done = true;
    }

    /// <summary>Whether the next piece would pass the caller's limit (fault U-35): by the upstream's own running count where the event brings one, else by
    /// counting pieces, as a provider sends at most one piece a token.</summary>
    private bool IsOver(long contentEvents, Usage? reported)
    {
        if (_expected.MaxOutputTokens is not { } most || most <= 0)
            return false;
        return reported is { } usage ? usage.OutputTokens > most * Math.Max(1, _expected.Choices) : contentEvents >= most;
    }

    /// <summary>Keeps the last usage that holds counts; they are never added up (F021).</summary>
    private Usage? Keep(ReadOnlySpan<byte> usage)
    {
        Usage? read = UsageReader.Read(usage, _expected.Quirks);
        if (read is not null)
        {
            _usage.Clear();
            _usage.Append(usage);
        }
        return read;
    }

    private void Fail(UpstreamFault fault) => Fault = fault;

    /// <summary>The error of an event as JSON; null when it has none. A null, a false and an empty text are none, as for OpenAI's clients.</summary>
    private static string? ErrorIn(JsonObject chunk)
    {
        if (chunk["error"] is { } error && error.GetValueKind() is not (JsonValueKind.Null or JsonValueKind.False) && error.AsText() is not "")
            return chunk.ToJsonString();
        return chunk["x_groq"] is JsonObject groq && groq["error"] is not null ? groq.ToJsonString() : null;
    }

    /// <summary><c>[DONE]</c> with spaces around it, in lower case or in quotes is meant the same (F015).</summary>
    private static bool IsDone(ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<byte> trimmed = data.Trim(" \t\""u8);
        return trimmed.Length == 6 && trimmed[0] == (byte)'[' && trimmed[5] == (byte)']'
            && (trimmed[1] | 0x20) == (byte)'d' && (trimmed[2] | 0x20) == (byte)'o' && (trimmed[3] | 0x20) == (byte)'n' && (trimmed[4] | 0x20) == (byte)'e';
    }
}
