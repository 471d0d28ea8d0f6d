using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers;

/// <summary>A stretch of the caller's text as the pipeline has changed it so far, where every unit still knows which part of the original it came from.</summary>
/// <remarks>
/// Immutable. Units are UTF-16. The rules of alignment are those of Hugging Face's <c>NormalizedString</c> (tokenizers 0.22), because offsets
/// are compared with theirs: a replaced character keeps the place of what it replaced, an added one takes the place of the one before it,
/// what is deleted leaves no trace.
/// </remarks>
internal sealed class AlignedText
{
    private readonly ReadOnlyMemory<char> _text;
    private readonly int[]? _starts; // null: the text is the original, beginning at _origin
    private readonly int[]? _ends;
    private readonly int _origin;

    private AlignedText(ReadOnlyMemory<char> text, int[]? starts, int[]? ends, int origin)
    {
        _text = text;
        _starts = starts;
        _ends = ends;
        _origin = origin;
    }

    /// <summary>The caller's text itself, which begins at unit <paramref name="origin"/> of all of it.</summary>
    public static AlignedText Of(ReadOnlyMemory<char> text, int origin) => new(text, null, null, origin);

    public ReadOnlySpan<char> Span => _text.Span;

    public int Length => _text.Length;

    /// <summary>Where in the caller's text this stretch begins.</summary>
    public int Origin => _origin;

    /// <summary>First unit of the original that the unit at <paramref name="at"/> came from.</summary>
    public int StartOf(int at)
    {
        if (_starts is not null)
            return _starts[at];
        // the second half of a pair came from the pair
        return _origin + (at > 0 && char.IsLowSurrogate(Span[at]) && char.IsHighSurrogate(Span[at - 1]) ? at - 1 : at);
    }

    /// <summary>Just behind the last unit of the original that the unit at <paramref name="at"/> came from.</summary>
    public int EndOf(int at)
    {
        if (_ends is not null)
            return _ends[at];
        return _origin + (at + 1 < Length && char.IsHighSurrogate(Span[at]) && char.IsLowSurrogate(Span[at + 1]) ? at + 2 : at + 1);
    }

    /// <summary>The part [<paramref name="start"/>, <paramref name="end"/>), its first unit's place as its origin.</summary>
    public AlignedText Slice(int start, int end)
    {
        if (start == 0 && end == Length)
            return this;
        int origin = start < Length ? StartOf(start) : _origin;
        return new AlignedText(_text[start..end], _starts?[start..end], _ends?[start..end], origin);
    }

    /// <summary>The text that <paramref name="changes"/> make of this one. They replace it from its first character on.</summary>
    public AlignedText Changed(IReadOnlyList<Change> changes)
    {
        var builder = new Builder(this, changes.Count);
        for (int i = 0; i < changes.Count; i++)
            builder.Apply(changes[i].CodePoint, changes[i].Delta);
        return builder.Build();
    }

    /// <summary>The text without the characters that <paramref name="drop"/> names; itself where it names none.</summary>
    public AlignedText Without(Func<int, bool> drop)
    {
        ReadOnlySpan<char> text = Span;
        Builder? builder = null;
        for (int at = 0; at < text.Length;)
        {
            int codePoint = CodePoints.At(text, at, out int length);
            if (drop(codePoint))
            {
                builder ??= Builder.CopyOf(this, at);
                builder.Skip();
            }
            else
            {
                builder?.Apply(codePoint, 0);
            }

            at += length;
        }

        return builder is null ? this : builder.Build();
    }

    /// <summary>The text with other characters in place of its own, one for one; itself where all stay.</summary>
    public AlignedText Mapped(Func<int, int> map)
    {
        ReadOnlySpan<char> text = Span;
        Builder? builder = null;
        for (int at = 0; at < text.Length;)
        {
            int codePoint = CodePoints.At(text, at, out int length);
            int mapped = map(codePoint);
            if (mapped != codePoint && builder is null)
                builder = Builder.CopyOf(this, at);
            builder?.Apply(mapped, 0);
            at += length;
        }

        return builder is null ? this : builder.Build();
    }

    /// <summary>Writes a changed text from its first unit to its last.</summary>
    /// <remarks>Two ways of use: <see cref="Apply"/> walks the source character by character; <see cref="Append"/> and <see cref="CopyRange"/> say themselves where a unit came from.</remarks>
    public sealed class Builder(AlignedText source, int capacity)
    {
        private char[] _text = new char[Math.Max(16, capacity)];
        private int[] _starts = new int[Math.Max(16, capacity)];
        private int[] _ends = new int[Math.Max(16, capacity)];
        private int _count;
        private int _at; // the source's next character

        public int Count => _count;

        /// <summary>A builder that has already taken over the source's first <paramref name="units"/> units.</summary>
        public static Builder CopyOf(AlignedText source, int units)
        {
            var builder = new Builder(source, source.Length + 16) { _at = units };
            builder.CopyRange(0, units);
            return builder;
        }

        /// <summary>Puts a character that replaces the source's next one (and −<paramref name="delta"/> more), or with 1 was added after the one before.</summary>
        public void Apply(int codePoint, int delta)
        {
            int start, end;
            if (delta > 0)
            {
                // Before anything was consumed there is no character before: the very beginning stands for it.
                (start, end) = _at == 0 ? (source._origin, source._origin) : (source.StartOf(_at - 1), source.EndOf(_at - 1));
            }
            else if (source.Length == 0)
            {
                (start, end) = (source._origin, source._origin);
            }
            else
            {
                int at = Math.Min(_at, source.Length - 1);
                (start, end) = (source.StartOf(at), source.EndOf(at));
                for (int left = 1 - delta; left > 0; left--)
                    Skip();
            }

            Append(codePoint, start, end);
        }

        /// <summary>Leaves the source's next character out.</summary>
        public void Skip()
        {
            if (_at >= source.Length)
                return;
            CodePoints.At(source.Span, _at, out int length);
            _at += length;
        }

        /// <summary>Puts a character that came from [<paramref name="start"/>, <paramref name="end"/>) of the original.</summary>
        public void Append(int codePoint, int start, int end)
        {
            if (_count + 2 > _text.Length)
                Grow(2);
            if (codePoint <= 0xFFFF)
            {
                Put((char)codePoint, start, end);
                return;
            }

            int offset = codePoint - 0x10000;
            Put((char)(0xD800 + (offset >> 10)), start, end);
            Put((char)(0xDC00 + (offset & 0x3FF)), start, end);
        }

        /// <summary>Takes the source's units [<paramref name="from"/>, <paramref name="to"/>) over as they are.</summary>
        public void CopyRange(int from, int to)
        {
            int length = to - from;
            if (length <= 0)
                return;
            if (_count + length > _text.Length)
                Grow(length);
            source.Span[from..to].CopyTo(_text.AsSpan(_count));
            if (source._starts is not null)
            {
                source._starts.AsSpan(from, length).CopyTo(_starts.AsSpan(_count));
                source._ends.AsSpan(from, length).CopyTo(_ends.AsSpan(_count));
            }
            else
            {
                bool pairs = CodePoints.HasSurrogates(source.Span[from..to]);
                Span<int> starts = _starts.AsSpan(_count, length), ends = _ends.AsSpan(_count, length);
                for (int i = 0; i < length; i++)
                {
                    starts[i] = pairs ? source.StartOf(from + i) : source._origin + from + i;
                    ends[i] = pairs ? source.EndOf(from + i) : source._origin + from + i + 1;
                }
            }

            _count += length;
        }

        /// <summary>Takes ASCII units of the source over as what <paramref name="map"/> has for each.</summary>
        public void CopyMapped(int from, int to, ReadOnlySpan<char> map)
        {
            int first = _count;
            CopyRange(from, to);
            foreach (ref char unit in _text.AsSpan(first, _count - first))
                unit = map[unit];
        }

        public AlignedText Build() => new(_text.AsMemory(0, _count), _starts, _ends, source._origin);

        private void Put(char unit, int start, int end)
        {
            _text[_count] = unit;
            _starts[_count] = start;
            _ends[_count] = end;
            _count++;
        }

        private void Grow(int more)
        {
            int size = checked(Math.Max(_count + more, _text.Length * 2));
            Array.Resize(ref _text, size);
            Array.Resize(ref _starts, size);
            Array.Resize(ref _ends, size);
        }
    }
}
