using Fairlead.Storage.Journal;

namespace Fairlead.Storage.Tests.Yard;

/// <summary>Which of the disk's calls fail.</summary>
internal sealed class DiskFaults
{
    private int _writes;
    private int _syncs;

    /// <summary>The write with this number fails half-way, counting from 1; 0 for none.</summary>
    public int FailWrite { get; set; }

    /// <summary>The fsync with this number fails; 0 for none.</summary>
    public int FailSync { get; set; }

    /// <summary>Every write and truncation beyond what is there fails, as on a full disk.</summary>
    public volatile bool Full;

    /// <summary>Every fsync fails.</summary>
    public volatile bool CannotSync;

    /// <summary>Truncations fail too.</summary>
    public volatile bool CannotTruncate;

    /// <summary>Called before each write, on its thread.</summary>
    public Action? Writing { get; set; }

    public int Writes => Volatile.Read(ref _writes);
    public int Syncs => Volatile.Read(ref _syncs);

    public SegmentFile Open(string path, bool create) => new FaultySegmentFile(path, create, this);

    private sealed class FaultySegmentFile(string path, bool create, DiskFaults faults) : SegmentFile(path, create)
    {
        public override void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            int number = Interlocked.Increment(ref faults._writes);
            faults.Writing?.Invoke();
            if (faults.Full || number == faults.FailWrite)
            {
                base.Write(bytes[..(bytes.Length / 2)], offset); // the kernel took a part before it failed
                throw new IOException("No space left on device");
            }
            base.Write(bytes, offset);
        }

        public override void Sync()
        {
            int number = Interlocked.Increment(ref faults._syncs);
            if (faults.CannotSync || number == faults.FailSync)
                throw new IOException("Input/output error");
            base.Sync();
        }

        public override void SetLength(long length)
        {
            if (faults.CannotTruncate)
                throw new IOException("Input/output error");
            base.SetLength(length);
        }
    }
}
