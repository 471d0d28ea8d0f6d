using Fairlead.Domain.Ids;
using Fairlead.Domain.Ledger;

namespace Fairlead.Storage.Journal;

/// <summary>Opens all segments of a folder and reads them once: what is closed, what is not, what is torn, what is damaged.</summary>
internal sealed class JournalRecovery
{
    private readonly List<JournalDamage> _damages = [];
    private readonly Dictionary<RequestId, UnshippedIndex.Place> _reserved = [];
    private long _records;
    private long _tornBytes;

    private JournalRecovery()
    {
    }

    public List<Segment> Segments { get; } = [];

    public Dictionary<RequestId, UnshippedIndex.Place> Closed { get; } = [];

    public List<(RequestReserved Reserved, int Segment)> Dangling { get; } = [];

    public JournalOpening Opening => new(_records, _tornBytes, _damages);

    public static JournalRecovery Run(string folder, SegmentFileOpener openFile)
    {
        DataFolder.CreatePrivate(folder);
        var recovery = new JournalRecovery();
        try
        {
            List<(int Number, string Path)> files = [.. Segment.List(folder)];
            for (int i = 0; i < files.Count; i++)
                recovery.Scan(files[i].Number, files[i].Path, isLast: i == files.Count - 1, openFile);
            if (recovery.Segments.Count == 0)
                recovery.Create(folder, 1, openFile);
            recovery.FindDangling();
            return recovery;
        }
        catch
        {
            foreach (Segment segment in recovery.Segments)
                segment.File.Dispose();
            throw;
        }
    }

    private void Create(string folder, int number, SegmentFileOpener openFile)
    {
        string path = Path.Combine(folder, Segment.FileName(number));
        SegmentFile file = openFile(path, true);
        Segments.Add(new Segment(number, path, file, Segment.HeaderBytes));
        file.Write(Segment.Header(number), 0);
        file.Sync();
        DataFolder.SyncFolder(folder);
    }

    private void Scan(int number, string path, bool isLast, SegmentFileOpener openFile)
    {
        SegmentFile file = openFile(path, false);
        var segment = new Segment(number, path, file, file.Length);
        Segments.Add(segment);
        Span<byte> header = stackalloc byte[Segment.HeaderBytes];
        int read = file.Read(header, 0);
        if (!Segment.IsHeader(header[..read], number))
        {
            // A crash while the segment was being created leaves a short or empty header and nothing behind it.
            if (isLast && segment.Length <= Segment.HeaderBytes)
                _tornBytes += segment.Length;
            else
                _damages.Add(Quarantine.Keep(segment, 0, Segment.HeaderBytes));
            file.Write(Segment.Header(number), 0);
            segment.Length = Math.Max(segment.Length, Segment.HeaderBytes);
            file.Sync();
        }
        ScanRecords(segment, isLast);
        segment.SyncedLength = 0; // the last process may not have synced it: the first grouped fsync will
    }

    private void ScanRecords(Segment segment, bool isLast)
    {
        using var reader = new SegmentReader(segment.File, Segment.HeaderBytes, segment.Length);
        while (true)
        {
            long start = reader.Offset;
            if (reader.TryNext(out ReadOnlySpan<byte> frame))
            {
                Note(segment, start, frame);
                continue;
            }
            if (start == segment.Length)
                return;
            bool more = reader.TryResume();
            if (!more && isLast)
            {
                _tornBytes += segment.Length - start;
                segment.File.SetLength(start);
                segment.File.Sync();
                segment.Length = start;
                return;
            }
            long end = more ? reader.Offset : segment.Length;
            _damages.Add(Quarantine.Keep(segment, start, end - start));
            segment.Length = Quarantine.Cover(segment, start, end);
            if (!more)
                return;
        }
    }

    private void Note(Segment segment, long start, ReadOnlySpan<byte> frame)
    {
        (RecordKind kind, RequestId id) = RecordCodec.Peek(frame[RecordFrame.HeaderBytes..]);
        if (kind == RecordKind.Hole)
            return;
        _records++;
        var place = new UnshippedIndex.Place(segment.Number, start, frame.Length);
        if (kind == RecordKind.Reserved)
        {
            // After its close: it was carried to a newer segment in the moment it ended. The close counts.
            if (!Closed.ContainsKey(id))
                _reserved[id] = place;
            return;
        }
        Closed.TryAdd(id, place);
        _reserved.Remove(id);
    }

    private void FindDangling()
    {
        foreach (UnshippedIndex.Place place in _reserved.Values.OrderBy(static place => (place.Segment, place.Offset)))
        {
            Segment segment = Segments.Find(segment => segment.Number == place.Segment)!;
            using var reader = new SegmentReader(segment.File, place.Offset, place.Offset + place.Length);
            if (!reader.TryNext(out ReadOnlySpan<byte> frame))
                throw new JournalFormatException($"segment {segment.Path} changed while it was read");
            Dangling.Add((RecordCodec.ReadReserved(frame[RecordFrame.HeaderBytes..]), segment.Number));
        }
    }
}
