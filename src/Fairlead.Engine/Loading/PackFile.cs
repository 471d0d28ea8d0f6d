using System.Collections.Immutable;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tensors;
using Microsoft.Win32.SafeHandles;

namespace Fairlead.Engine.Loading;

/// <summary>The pack of one plan: a file that holds its packed matrices just as they lie in memory.</summary>
/// <remarks>
/// Reading is done with positional reads into the memory that is multiplied from, and each chunk is checked there: a mapped file could change, or end, after it was checked.
/// A file is never trusted for a size: see <see cref="PackHeader"/>.
/// </remarks>
internal sealed unsafe class PackFile
{
    /// <summary>Bytes that are read and taken into a checksum at a time: they are in the nearest cache still.</summary>
    private const int Piece = 256 << 10;

    /// <summary>Chunks for each thread between two words on progress.</summary>
    private const int Stride = 4;

    private readonly PackPlan _plan;

    private PackFile(PackPlan plan, ImmutableArray<FileStamp> sources, PackStore store, PackPlan? guided)
    {
        _plan = plan;
        Sources = sources;
        Store = store;
        Beside = guided is not null && guided.PackedBytes >= store.LeastBytes ? guided.PackedBytes : 0;
        string quantised = plan.Quantize is { } type ? type.ToString() : "stored";
        Path = System.IO.Path.Combine(store.Folder, $"{plan.Family}-{quantised}{(guided is null ? "" : "-draft")}.pack".ToLowerInvariant());
    }

    /// <summary>Where it lies, if it is there. Kernels, quantising and whether it is a draft's make the name, so that one does not displace another.</summary>
    public string Path { get; }

    /// <summary>Bytes of matrices that the same load keeps in another pack: those of the model, where this one is its draft's.</summary>
    public long Beside { get; }

    /// <summary>The files that its matrices are packed from.</summary>
    public ImmutableArray<FileStamp> Sources { get; }

    /// <summary>Where it is kept.</summary>
    public PackStore Store { get; }

    /// <summary>A header for it, without checksums.</summary>
    public PackHeader NewHeader() => PackHeader.Of(_plan, Sources);

    /// <summary>The pack of a plan; null where none is kept, or so few bytes are not worth it.</summary>
    /// <param name="sources">The plan's files, as they were before the first byte of them was read.</param>
    /// <param name="guided">Of the model that this one guesses for, whose pack lies in the same folder; null where it is no draft.</param>
    public static PackFile? Of(PackPlan plan, ImmutableArray<FileStamp> sources, PackStore? store, PackPlan? guided = null) =>
        store is null || plan.PackedBytes < store.LeastBytes || plan.PackedBytes == 0 ? null : new PackFile(plan, sources, store, guided);

    /// <summary>Fills <paramref name="to"/> with the matrices. A file that is not what it must be is removed, and the log says why.</summary>
    /// <param name="to">Room for all packed matrices of the plan.</param>
    /// <param name="crew">Who shares the reading; null: the caller alone.</param>
    /// <param name="meter">Hears of the bytes that packing would have read.</param>
    /// <returns>False where there was none that could be used; <paramref name="to"/> then holds anything.</returns>
    public bool TryRead(NativeBuffer<byte> to, WorkCrew? crew, LoadMeter? meter)
    {
        string? refusal;
        try
        {
            var found = new FileInfo(Path);
            if (!found.Exists && found.LinkTarget is null)
                return false;
            // asked before opening: to open a pipe would wait for a writer for ever, and a pipe has no length
            refusal = found.LinkTarget is not null || found.Length == 0 ? "it is empty or no regular file" : Read(to, crew, meter);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            refusal = e.Message;
        }

        if (refusal is null)
            return true;
        Remove(refusal);
        return false;
    }

    private string? Read(NativeBuffer<byte> to, WorkCrew? crew, LoadMeter? meter)
    {
        using SafeFileHandle file = File.OpenHandle(Path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.SequentialScan);
        PackHeader header = NewHeader();
        byte[] first = new byte[header.Length];
        if (header.TakeSums(first.AsSpan(0, ReadAll(file, first, 0))) is { } refusal)
            return refusal;
        if (RandomAccess.GetLength(file) is var length && length != header.FileBytes)
            return $"it has {length} bytes and should have {header.FileBytes}";
        var reading = new Reading(file, header, to);
        int stride = Stride * (crew?.Threads ?? 1);
        long all = _plan.Parts.Sum(static part => PackPlan.BytesOf(part.From.Weight)), told = 0;
        for (int chunk = 0; chunk < header.Chunks; chunk += stride)
        {
            var work = new Chunks(reading, chunk);
            int count = Math.Min(stride, header.Chunks - chunk);
            if (crew is null)
                work.All(count);
            else
                crew.Run(count, work);
            if (reading.Refusal is not null)
            {
                meter?.TakeBack(told);
                return reading.Refusal;
            }

            long done = (long)((double)all * (chunk + count) / header.Chunks);
            meter?.Add(done - told);
            told = done;
        }

        return null;
    }

    private void Remove(string refusal)
    {
        string left = "";
        try
        {
            File.Delete(Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            left = $", which could not be removed ({e.Message})";
        }

        Store.Log($"The pack {Path}{left} was not used: {refusal}. The weights are packed from the model's own files");
    }

    /// <summary>As many bytes as there are, at most the room for them.</summary>
    private static int ReadAll(SafeFileHandle file, Span<byte> to, long offset)
    {
        int read = 0;
        while (read < to.Length && RandomAccess.Read(file, to[read..], offset + read) is > 0 and var more)
            read += more;
        return read;
    }

    /// <summary>What all threads of a reading share.</summary>
    private sealed class Reading(SafeFileHandle file, PackHeader header, NativeBuffer<byte> to)
    {
        private volatile string? _refusal;

        /// <summary>What is wrong, as the first thread found it; null: nothing so far.</summary>
        public string? Refusal => _refusal;

        public void Do(int chunk)
        {
            if (_refusal is not null)
                return;
            long at = (long)chunk * PackHeader.ChunkBytes;
            int left = header.BytesOf(chunk);
            var sum = new Checksum();
            while (left > 0)
            {
                Span<byte> piece = new(to.Data + at, Math.Min(left, Piece));
                int read = ReadAll(file, piece, header.Length + at);
                if (read < piece.Length)
                {
                    _refusal = $"it became shorter while it was read: it ends at byte {header.Length + at + read}";
                    return;
                }

                sum.Add(piece);
                (at, left) = (at + piece.Length, left - piece.Length);
            }

            if (sum.Value != header.Sum(chunk))
                _refusal = $"it is damaged: chunk {chunk} of {header.Chunks} has another checksum";
        }
    }

    private readonly struct Chunks(Reading reading, int first) : IWork
    {
        public void Do(int part) => reading.Do(first + part);

        public void All(int count)
        {
            for (int part = 0; part < count; part++)
                Do(part);
        }
    }
}
