using Fairlead.Domain.Ids;
using Fairlead.Domain.Ledger;

namespace Fairlead.Storage.Journal;

/// <summary>One record: exactly one of the two is non-null.</summary>
internal readonly record struct JournalRecord(RequestReserved? Reserved, RequestClosed? Closed)
{
    public RequestId Id => Reserved?.Id ?? Closed!.Id;
}

/// <summary>The second byte of a payload. Numbers are on disk: never reused.</summary>
internal enum RecordKind : byte
{
    Reserved = 1,
    Closed = 2,

    /// <summary>Covers bytes that were damaged and put into quarantine, so that the offsets after them stay what they were.</summary>
    Hole = 3,
}
