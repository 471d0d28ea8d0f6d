namespace Fairlead.Storage.Journal;

/// <summary>A place between two records: everything before it has been taken.</summary>
/// <param name="Segment">Number of the segment, from 1.</param>
/// <param name="Offset">Bytes from the segment's beginning, header included.</param>
public readonly record struct JournalPosition(int Segment, long Offset) : IComparable<JournalPosition>
{
    public int CompareTo(JournalPosition other) =>
        Segment != other.Segment ? Segment.CompareTo(other.Segment) : Offset.CompareTo(other.Offset);
}
