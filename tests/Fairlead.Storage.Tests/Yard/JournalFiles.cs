using Fairlead.Domain.Ids;
using Fairlead.Storage.Journal;

namespace Fairlead.Storage.Tests.Yard;

/// <summary>Opening journals and looking into them.</summary>
internal static class JournalFiles
{
    public static JournalOptions Options(string folder, bool strict = false, long segmentBytes = 64 << 20, long maxUnshipped = 1 << 30) =>
        new() { Folder = folder, Strict = strict, SegmentBytes = segmentBytes, MaxUnshippedBytes = maxUnshipped };

    public static RequestJournal Open(string folder, TimeProvider? time = null, DiskFaults? faults = null, bool strict = false, long segmentBytes = 64 << 20, long maxUnshipped = 1 << 30) =>
        faults is null
            ? RequestJournal.Open(Options(folder, strict, segmentBytes, maxUnshipped), time ?? TimeProvider.System)
            : RequestJournal.Open(Options(folder, strict, segmentBytes, maxUnshipped), time ?? TimeProvider.System, null, faults.Open);

    public static List<JournalRecord> ReadAll(RequestJournal journal)
    {
        var all = new List<JournalRecord>();
        JournalPosition position = journal.Shipped;
        journal.Read(position, int.MaxValue, all);
        return all;
    }

    public static List<RequestId> Ids(RequestJournal journal) => [.. ReadAll(journal).Select(static record => record.Id)];

    public static string OnlySegment(string folder) => Assert.Single(Directory.GetFiles(folder, "*.fwj"));
}
