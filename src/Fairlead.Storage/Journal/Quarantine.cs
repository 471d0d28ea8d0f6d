using System.Globalization;

namespace Fairlead.Storage.Journal;

/// <summary>Damaged bytes are copied aside and their place is covered with holes, so that every other record keeps its offset.</summary>
internal static class Quarantine
{
    private const int SmallestHole = RecordFrame.HeaderBytes + RecordFrame.MinPayload;
    private const int LargestHole = 1 << 20;

    /// <summary>Copies the bytes to <c>quarantine/SEGMENT-OFFSET.bad</c> beside the segments, synced before anything is changed.</summary>
    public static JournalDamage Keep(Segment segment, long offset, long length)
    {
        string folder = Path.Combine(Path.GetDirectoryName(segment.Path)!, "quarantine");
        DataFolder.CreatePrivate(folder);
        string path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{segment.Number:D8}-{offset:D12}.bad"));
        using var copy = new FileStream(path, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = DataFolder.SecretFileMode });
        var piece = new byte[64 << 10];
        for (long done = 0; done < length;)
        {
            int read = segment.File.Read(piece.AsSpan(0, (int)Math.Min(piece.Length, length - done)), offset + done);
            if (read == 0)
                break;
            copy.Write(piece, 0, read);
            done += read;
        }
        copy.Flush(flushToDisk: true);
        return new JournalDamage(Path.GetFileName(segment.Path), offset, length, path);
    }

    /// <summary>Covers [<paramref name="from"/>, <paramref name="to"/>) with holes and returns the length the segment must now have.</summary>
    public static long Cover(Segment segment, long from, long to)
    {
        long rest = to - from;
        if (rest < SmallestHole)
        {
            // Only at the end of a segment: TryResume leaves room for a hole everywhere else.
            segment.File.SetLength(from);
            segment.File.Sync();
            return from;
        }
        while (rest > 0)
        {
            long take = Math.Min(rest, LargestHole);
            if (rest - take is > 0 and < SmallestHole)
                take -= SmallestHole;
            var hole = new byte[take];
            hole[RecordFrame.HeaderBytes] = RecordCodec.Version;
            hole[RecordFrame.HeaderBytes + 1] = (byte)RecordKind.Hole;
            RecordFrame.Seal(hole);
            segment.File.Write(hole, from);
            from += take;
            rest -= take;
        }
        segment.File.Sync();
        return Math.Max(segment.Length, to);
    }
}
