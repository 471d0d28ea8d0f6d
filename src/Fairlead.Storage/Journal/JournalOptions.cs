namespace Fairlead.Storage.Journal;

/// <summary>Where the journal lies and how safe it has to be.</summary>
public sealed record JournalOptions
{
    /// <summary>Absolute path; created with mode 0700 if it is not there.</summary>
    public required string Folder { get; init; }

    /// <summary>A segment that has reached this size is closed and the next one begun. Default 64 MiB.</summary>
    public long SegmentBytes { get; init; } = 64L << 20;

    /// <summary>Longest time between a write and its fsync when not <see cref="Strict"/>: what a power cut can lose. Default 50 ms.</summary>
    public TimeSpan SyncEvery { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>True: an append is acknowledged after its fsync, so a power cut loses nothing that was acknowledged.</summary>
    public bool Strict { get; init; }

    /// <summary>Beyond so many bytes that the store has not taken, reservations are refused. A close may use one eighth more,
    /// because its money is already spent. Default 1 GiB.</summary>
    public long MaxUnshippedBytes { get; init; } = 1L << 30;
}
