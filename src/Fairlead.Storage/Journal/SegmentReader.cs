using System.Buffers;

namespace Fairlead.Storage.Journal;

/// <summary>Walks the frames of one segment between two offsets, with one window of memory.</summary>
internal sealed class SegmentReader(SegmentFile file, long from, long to) : IDisposable
{
    private const int Window = 256 << 10;
    private byte[] _window = ArrayPool<byte>.Shared.Rent(Window);
    private int _start;
    private int _end;

    /// <summary>Where the frame begins that <see cref="TryNext"/> looks at next.</summary>
    public long Offset { get; private set; } = from;

    /// <summary>The next whole frame, header included, valid until the next call; false at the end and at damage (then <see cref="Offset"/> is not at the end).</summary>
    public bool TryNext(out ReadOnlySpan<byte> frame)
    {
        frame = default;
        if (!Has(RecordFrame.HeaderBytes))
            return false;
        int payload = RecordFrame.PayloadLength(_window.AsSpan(_start));
        if (payload < 0 || !Has(RecordFrame.HeaderBytes + payload))
            return false;
        ReadOnlySpan<byte> found = _window.AsSpan(_start, RecordFrame.HeaderBytes + payload);
        if (!RecordFrame.IsWhole(found))
            return false;
        _start += found.Length;
        Offset += found.Length;
        frame = found;
        return true;
    }

    /// <summary>After damage: moves to the next place where a whole frame stands that can be read; false when there is none.</summary>
    public bool TryResume()
    {
        // A hole that covers the damage needs a frame of its own, so the search begins behind the smallest one.
        for (Move(RecordFrame.HeaderBytes + RecordFrame.MinPayload); Has(RecordFrame.HeaderBytes + 2); Move(1))
        {
            ReadOnlySpan<byte> here = _window.AsSpan(_start);
            int payload = RecordFrame.PayloadLength(here);
            if (payload < 0 || !RecordCodec.Reads(here[RecordFrame.HeaderBytes]) || !Enum.IsDefined((RecordKind)here[RecordFrame.HeaderBytes + 1]))
                continue;
            if (Has(RecordFrame.HeaderBytes + payload) && RecordFrame.IsWhole(_window.AsSpan(_start, RecordFrame.HeaderBytes + payload)))
                return true;
        }
        return false;
    }

    public void Dispose()
    {
        byte[] window = _window;
        _window = [];
        if (window.Length > 0)
            ArrayPool<byte>.Shared.Return(window);
    }

    private void Move(int count)
    {
        Offset += count;
        _start = Math.Min(_start + count, _end);
        if (_start == _end)
            _start = _end = 0;
    }

    /// <summary>Makes so many bytes from <see cref="Offset"/> on stand in the window, if the segment has them.</summary>
    private bool Has(int count)
    {
        if (_end - _start >= count)
            return true;
        if (to - Offset < count)
            return false;
        if (_window.Length < count)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(count);
            _window.AsSpan(_start, _end - _start).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_window);
            _window = larger;
        }
        else
        {
            _window.AsSpan(_start, _end - _start).CopyTo(_window);
        }
        _end -= _start;
        _start = 0;
        while (_end < count)
        {
            int want = (int)Math.Min(_window.Length - _end, to - Offset - _end);
            int read = file.Read(_window.AsSpan(_end, want), Offset + _end);
            if (read == 0)
                return false;
            _end += read;
        }
        return true;
    }
}
