using System.Buffers.Text;
using Fairlead.Protocols.Buffers;

namespace Fairlead.Protocols.Translation;

/// <summary>Puts characters together whose two halves (<c>\ud83d</c>, <c>\ude00</c>) came in two pieces of one text; a half that stays alone becomes
/// U+FFFD. Works on the bytes between a JSON string's quotes.</summary>
internal sealed class HalfJoiner : IDisposable
{
    private const int EscapeLength = 6;

    private readonly PooledBuffer _joined = new(64);
    private readonly PooledBuffer _plain = new(64);
    private readonly byte[] _held = new byte[EscapeLength];

    /// <summary>The first half of a character waits for the other.</summary>
    public bool HoldsHalf { get; private set; }

    /// <summary>The next piece of the text, with the half that waited before it and without the half that waits behind it.</summary>
    /// <param name="piece">As it came.</param>
    /// <param name="hasHalves">Whether there can be halves in it.</param>
    /// <returns>Holds until the next call.</returns>
    public ReadOnlySpan<byte> Join(ReadOnlySpan<byte> piece, bool hasHalves)
    {
        if (piece.IsEmpty || (!hasHalves && !HoldsHalf))
            return piece;
        _joined.Clear();
        if (HoldsHalf)
            _joined.Append(_held);
        _joined.Append(piece);
        HoldsHalf = false;
        int last = Mend(_joined.WrittenSpan, keepLast: true);
        if (last < _joined.Length)
        {
            _joined.Span[last..].CopyTo(_held);
            HoldsHalf = true;
            _joined.Truncate(last);
        }
        return _joined.Span;
    }

    /// <summary>The text is over: what stands for the half that waited; empty when none did.</summary>
    public ReadOnlySpan<byte> TakeRest()
    {
        bool held = HoldsHalf;
        HoldsHalf = false;
        return held ? "\\ufffd"u8 : default;
    }

    /// <summary>A text of its own, which nothing follows.</summary>
    /// <param name="text">As it came.</param>
    /// <param name="hasHalves">Whether there can be halves in it.</param>
    /// <returns>Holds until the next call.</returns>
    public ReadOnlySpan<byte> Whole(ReadOnlySpan<byte> text, bool hasHalves)
    {
        if (!hasHalves)
            return text;
        _plain.Clear();
        _plain.Append(text);
        Mend(_plain.WrittenSpan, keepLast: false);
        return _plain.Span;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _joined.Dispose();
        _plain.Dispose();
    }

    /// <returns>Where a first half at the very end begins, or the length.</returns>
    private static int Mend(Span<byte> text, bool keepLast)
    {
        for (int at = 0; at < text.Length;)
        {
            int backslash = text[at..].IndexOf((byte)'\\');
            if (backslash < 0)
                break;
            at += backslash;
            if (Unit(text[at..]) is not { } unit || !char.IsSurrogate(unit))
            {
                at += 2; // behind the escaped character, which may be a backslash; the digits of a \u are no escapes
                continue;
            }
            if (char.IsHighSurrogate(unit) && at + EscapeLength == text.Length && keepLast)
                return at;
            if (char.IsHighSurrogate(unit) && Unit(text[(at + EscapeLength)..]) is { } low && char.IsLowSurrogate(low))
            {
                at += 2 * EscapeLength;
                continue;
            }
            "\\ufffd"u8.CopyTo(text[at..]);
            at += EscapeLength;
        }
        return text.Length;
    }

    private static char? Unit(ReadOnlySpan<byte> escape) =>
        escape.Length >= EscapeLength && escape[0] == (byte)'\\' && escape[1] == (byte)'u' && Utf8Parser.TryParse(escape[2..EscapeLength], out ushort unit, out int digits, 'x') && digits == 4
            ? (char)unit
            : null;
}
