using Fairlead.Domain.Ids;
using Fairlead.Domain.Ledger;

namespace Fairlead.Storage.Journal;

/// <summary>One record as it stands in the journal; decoded only when it is asked what it says.</summary>
/// <param name="Kind">Reserved or closed; holes are not handed out.</param>
/// <param name="Id">The request.</param>
/// <param name="Payload">All of it, without the frame.</param>
internal readonly record struct JournalRecord(RecordKind Kind, RequestId Id, byte[] Payload)
{
    /// <summary>Null for another kind.</summary>
    /// <exception cref="JournalFormatException">Not a payload of a version that is read.</exception>
    public RequestReserved? Reserved => Kind == RecordKind.Reserved ? RecordCodec.ReadReserved(Payload) : null;

    /// <summary>Null for another kind.</summary>
    /// <exception cref="JournalFormatException">Not a payload of a version that is read.</exception>
    public RequestClosed? Closed => Kind == RecordKind.Closed ? RecordCodec.ReadClosed(Payload) : null;
}

/// <summary>The second byte of a payload. Numbers are on disk: never reused.</summary>
internal enum RecordKind : byte
{
    Reserved = 1,
    Closed = 2,

    /// <summary>Covers bytes that were damaged and put into quarantine, so that the offsets after them stay what they were.</summary>
    Hole = 3,
}
