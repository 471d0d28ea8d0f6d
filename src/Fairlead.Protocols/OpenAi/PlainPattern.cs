using System.Text.Unicode;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.OpenAi;

/// <summary>The last plain event with its text taken out. The next one mostly differs in nothing but that text, and two comparisons then replace a look at
/// every member.</summary>
internal sealed class PlainPattern : IDisposable
{
    private readonly PooledBuffer _head = new(256);
    private readonly PooledBuffer _tail = new(128);
    private Range _cut; // of the tail
    private TextKind _kind;
    private int _call;

    /// <summary>Takes note of a plain event with one text and at most a usage of null behind it, to be cut out where it stands.</summary>
    /// <param name="data">The event.</param>
    /// <param name="kind">What its text is.</param>
    /// <param name="call">The call's number as the upstream counts, where the text is a piece of its arguments.</param>
    /// <param name="text">Its text, between its quotes.</param>
    /// <param name="cut">What the caller does not get; must lie behind the text.</param>
    public void Learn(ReadOnlySpan<byte> data, TextKind kind, int call, Range text, Range cut)
    {
        _kind = kind;
        _call = call;
        int start = text.Start.Value;
        int end = text.End.Value;
        _head.Clear();
        _tail.Clear();
        if (cut.End.Value > 0 && cut.Start.Value < end)
            return;
        _head.Append(data[..start]);
        _tail.Append(data[end..]);
        _cut = cut.End.Value > 0 ? (cut.Start.Value - end)..(cut.End.Value - end) : default;
    }

    /// <summary>True when the event is the known one with another text that is not empty.</summary>
    /// <param name="data">The event.</param>
    /// <param name="chunk">What it holds.</param>
    public bool Matches(ReadOnlySpan<byte> data, out OrdinaryChunk chunk)
    {
        chunk = default;
        int textBytes = data.Length - _head.Length - _tail.Length;
        if (_head.Length == 0 || textBytes <= 0 || !data.StartsWith(_head.Span) || !data.EndsWith(_tail.Span))
            return false;
        // The text must end where the tail begins, not at a quote before it.
        var cursor = new JsonCursor(data[(_head.Length - 1)..], JsonBounds.Default);
        if (!cursor.ReadString(out ReadOnlySpan<byte> text, out _) || text.Length != textBytes || !Utf8.IsValid(text))
            return false;
        int behind = _head.Length + textBytes;
        Range cut = _cut.End.Value > 0 ? (_cut.Start.Value + behind)..(_cut.End.Value + behind) : default;
        chunk = new OrdinaryChunk(_kind, _head.Length..behind, textBytes, cut, default, _call);
        return true;
    }

    public void Dispose()
    {
        _head.Dispose();
        _tail.Dispose();
    }
}
