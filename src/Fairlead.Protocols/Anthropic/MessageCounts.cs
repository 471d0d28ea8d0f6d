using Fairlead.Domain.Inference;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Anthropic;

/// <summary>The counts of one message, as its <c>usage</c> objects tell them. What a later one tells takes the place of what an earlier one told; nothing is
/// ever added up over events (F160), and a null says nothing.</summary>
/// <remarks>Anthropic counts what its cache read and wrote beside the input; here all three together are the input. Counts are not bounded.</remarks>
internal struct MessageCounts
{
    private long? _input;
    private long? _output;
    private long? _cacheRead;
    private long? _cacheWritten;
    private long? _shortWrites;
    private long? _longWrites;
    private long? _thinking;

    /// <summary>The input has been told: more than nothing, as no message has none.</summary>
    public readonly bool HasInput => _input is not null && Input != 0;

    /// <summary>The output has been told by what ends a message; its start knows no more than that something will come.</summary>
    public bool HasOutput { readonly get; private set; }

    /// <summary>Takes what a message's start tells.</summary>
    public void TakeStart(ReadOnlySpan<byte> json) => Take(json);

    /// <summary>Takes what a message's end tells, or a whole message.</summary>
    public void TakeEnd(ReadOnlySpan<byte> json)
    {
        long? before = _output;
        _output = null;
        Take(json);
        HasOutput |= _output is not null;
        _output ??= before;
    }

    /// <summary>The counts, with ours where the upstream told none.</summary>
    /// <param name="inputExpected">Stands in for the input.</param>
    /// <param name="outputSeen">Stands in for the output.</param>
    public readonly Usage ToUsage(long inputExpected, long outputSeen) =>
        new(HasInput ? Input : inputExpected, HasOutput ? _output!.Value : outputSeen, _cacheRead ?? 0, Written, _thinking ?? 0, _longWrites ?? 0);

    private readonly long Written => _cacheWritten ?? Sum(_shortWrites ?? 0, _longWrites ?? 0, 0);

    private readonly long Input => Sum(_input ?? 0, _cacheRead ?? 0, Written);

    private void Take(ReadOnlySpan<byte> json)
    {
        var cursor = new JsonCursor(json, JsonBounds.Default);
        if (cursor.Peek() == JsonKind.Object)
            ReadMembers(ref cursor, json);
    }

    private void ReadMembers(ref JsonCursor cursor, ReadOnlySpan<byte> json)
    {
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out _))
        {
            JsonKind kind = cursor.Peek();
            if (kind == JsonKind.Object && (name.SequenceEqual("cache_creation"u8) || name.SequenceEqual("output_tokens_details"u8)))
                ReadMembers(ref cursor, json);
            else if (cursor.Skip(out Range range) && kind == JsonKind.Number)
                TakeCount(name, json[range]);
        }
    }

    private void TakeCount(ReadOnlySpan<byte> name, ReadOnlySpan<byte> number)
    {
        if (name.SequenceEqual("input_tokens"u8))
            _input = Count(number);
        else if (name.SequenceEqual("output_tokens"u8))
            _output = Count(number);
        else if (name.SequenceEqual("cache_read_input_tokens"u8))
            _cacheRead = Count(number);
        else if (name.SequenceEqual("cache_creation_input_tokens"u8))
            _cacheWritten = Count(number);
        else if (name.SequenceEqual("ephemeral_5m_input_tokens"u8))
            _shortWrites = Count(number);
        else if (name.SequenceEqual("ephemeral_1h_input_tokens"u8))
            _longWrites = Count(number);
        else if (name.SequenceEqual("thinking_tokens"u8))
            _thinking = Count(number);
    }

    /// <summary>What is absurd is passed on for <see cref="UsageBounds"/> to see.</summary>
    private static long Count(ReadOnlySpan<byte> number) =>
        JsonText.TryWhole(number, out long whole) ? whole
        : JsonText.TryReal(number, out double real) && Math.Abs(real) < long.MaxValue / 2 ? (long)real
        : long.MaxValue;

    private static long Sum(long one, long two, long three) => (long)Int128.Clamp((Int128)one + two + three, long.MinValue, long.MaxValue);
}
