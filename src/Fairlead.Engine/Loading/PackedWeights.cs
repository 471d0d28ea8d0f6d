using System.Diagnostics;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Kernels.Quantizing;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Loading;

/// <summary>The matrices of a model in the form in which they are multiplied, by where their stored form lies.</summary>
internal sealed unsafe class PackedWeights : IDisposable
{
    /// <summary>So many rows wait for memory; for more of them multiplying is the limit.</summary>
    private const int RowsThatWait = 8;

    private readonly Dictionary<nint, PackedMatrix> _matrices = [];
    private readonly Dictionary<nint, ReadAhead> _following = []; // what was multiplied after the product that begins there
    private readonly QuantizedRows _room;
    private nint _last;
    private NativeBuffer<byte> _memory;
    private PackFile? _unkept;
    private PackWriter? _writer;

    private PackedWeights(PackPlan plan, int rowsPerPass, int threads, long bytes)
    {
        _memory = NewMemory(bytes);
        _room = new QuantizedRows(rowsPerPass, LongestOf(plan), threads, BrainTileBytesOf(plan, rowsPerPass));
        DependsOnPhase = plan.DependsOnPhase;
        TakesRoom = plan.TakesRoom;
        Report = PackReport.Of(plan, default);
    }

    /// <summary>What the rows stand for that are multiplied from now on; <see cref="Phase.Prefill"/> to begin with.</summary>
    public Phase Phase { get; set; } = Phase.Prefill;

    /// <summary>Whether a row gives different bits in the two phases.</summary>
    public bool DependsOnPhase { get; }

    /// <inheritdoc cref="PackPlan.TakesRoom"/>
    public bool TakesRoom { get; }

    /// <summary>What has been packed, or read from a pack, and how long that took.</summary>
    public PackReport Report { get; private set; }

    /// <summary>Reads and packs what <paramref name="plan"/> says, or reads the pack that an earlier load has kept of it.</summary>
    /// <param name="plan">What becomes of the tensors.</param>
    /// <param name="rowsPerPass">Rows of activations that are multiplied at a time; more run in several pieces with the same result.</param>
    /// <param name="source">Where they come from: a matrix is released as soon as it is packed, so that no more than one of them is in memory twice.</param>
    /// <param name="crew">Who shares the packing; null: the caller alone.</param>
    /// <param name="meter">Hears how far it is; null where nobody waits: what is read in place then comes when it is first read.</param>
    /// <param name="pack">Where an earlier load may have kept them; null: nowhere.</param>
    /// <exception cref="ModelFileException">A file has become shorter than it was, or the disk failed.</exception>
    public static PackedWeights Load(PackPlan plan, int rowsPerPass, IWeights source, WorkCrew? crew, LoadMeter? meter, PackFile? pack = null)
    {
        long started = Stopwatch.GetTimestamp();
        var packed = new PackedWeights(plan, rowsPerPass, crew?.Threads ?? 1, plan.PackedBytes);
        try
        {
            foreach (TensorView tensor in meter is null ? [] : plan.InPlace)
                MappedPages.Read(tensor.Data, PackPlan.BytesOf(tensor), plan.File, meter);
            bool isRead = pack is not null && packed.Read(pack, plan, crew, meter);
            foreach (PackedPart part in plan.Parts)
            {
                PackedMatrix to = packed.Place(part, part.Offset);
                if (!isRead)
                    Pack(part, to, plan.File, crew, meter);
                if (plan.IsDone(part))
                    source.Release(part.From.Weight);
            }

            packed._unkept = isRead ? null : pack;
            packed.Report = PackReport.Of(plan, Stopwatch.GetElapsedTime(started)) with { IsRead = isRead };
            return packed;
        }
        catch
        {
            packed.Dispose();
            throw;
        }
    }

    /// <summary>The same forms with zeros in them. All matrices are the same zeros, which take no memory: nobody writes them.</summary>
    public static PackedWeights Blank(PackPlan plan, int rowsPerPass, int threads)
    {
        var blank = new PackedWeights(plan, rowsPerPass, threads, BlankBytes(plan));
        foreach (PackedPart part in plan.Parts)
            blank.Place(part, 0);
        return blank;
    }

    /// <summary>Bytes of address space of the zeros of <see cref="Blank"/>.</summary>
    public static long BlankBytes(PackPlan plan) => plan.Parts.Max(static part => (long?)part.Bytes) ?? 0;

    /// <summary>Begins to write what was packed to where the next load looks for it, behind everything else that this machine does.</summary>
    /// <returns>True when it is there; false when it cannot be, which the store's log has said, or there is nothing to do. Never fails.</returns>
    public Task<bool> Keep()
    {
        if (Interlocked.Exchange(ref _unkept, null) is { } pack)
            _writer = new PackWriter(pack, _memory);
        return _writer?.Done ?? Task.FromResult(false);
    }

    /// <summary>Bytes of the room that multiplying takes beside the weights, with a crew of <paramref name="threads"/>.</summary>
    public static long RoomBytes(PackPlan plan, int rowsPerPass, int threads) =>
        QuantizedRows.BytesFor(rowsPerPass, LongestOf(plan), threads, BrainTileBytesOf(plan, rowsPerPass));

    /// <summary>The packed form of a matrix, if it has one.</summary>
    public bool TryGet(in TensorView stored, out PackedMatrix packed) => _matrices.TryGetValue((nint)stored.Data, out packed);

    /// <summary>See <see cref="PackedMatMul.Multiply"/>; any number of rows.</summary>
    public void Multiply(in PackedMatrix weight, float* input, float* output, int rows, WorkCrew? crew) => MultiplyAll([new RowProduct(weight, output)], input, rows, crew);

    /// <summary>Several products of the same rows, as many as there are, and what follows on each.</summary>
    public void MultiplyAll(ReadOnlySpan<RowProduct> products, float* input, int rows, WorkCrew? crew)
    {
        ReadAhead next = crew is { Threads: > 1 } && rows <= RowsThatWait ? NextAfter(products) : default;
        Span<RowProduct> some = stackalloc RowProduct[products.Length];
        for (int first = 0; first < rows; first += _room.Rows)
        {
            for (int i = 0; i < products.Length; i++)
                some[i] = products[i].From(first);
            PackedMatMul.MultiplyAll(some, input + ((long)first * products[0].Weight.Inputs), Math.Min(_room.Rows, rows - first), Phase, _room, crew, next);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _writer?.Dispose();
        _memory.Dispose();
        _room.Dispose();
    }

    /// <summary>What came after these the last time. The matrices of a step are the same ones each time, but for experts; what is multiplied together lies together.</summary>
    private ReadAhead NextAfter(ReadOnlySpan<RowProduct> products)
    {
        PackedMatrix first = products[0].Weight;
        int panels = 0;
        foreach (RowProduct product in products)
            panels += product.Weight.Panels;
        _following[_last] = new ReadAhead((byte*)first.Data, panels, PackedLayout.PanelBytes(first.Format, first.Inputs));
        _last = first.Data;
        return _following.GetValueOrDefault(_last);
    }

    private static NativeBuffer<byte> NewMemory(long bytes) => new(bytes, hugePages: true);

    private bool Read(PackFile pack, PackPlan plan, WorkCrew? crew, LoadMeter? meter)
    {
        if (pack.TryRead(_memory, crew, meter))
            return true;
        _memory.Dispose();
        _memory = NewMemory(plan.PackedBytes); // zeros again, as packing wants them: a panel's empty outputs are never written
        return false;
    }

    private PackedMatrix Place(in PackedPart part, long offset)
    {
        var place = new PackedMatrix(part.Format, part.From.Outputs, part.From.Inputs, (nint)(_memory.Data + offset));
        _matrices.Add((nint)part.From.Weight.Data, place);
        return place;
    }

    private static void Pack(in PackedPart part, in PackedMatrix to, string file, WorkCrew? crew, LoadMeter? meter)
    {
        if (meter is not null)
            MappedPages.Read(part.From.Weight.Data, PackPlan.BytesOf(part.From.Weight), file, meter);
        var panels = new Panels(part, to);
        if (crew is null)
            panels.All();
        else
            crew.Run(to.Panels, panels);
    }

    /// <summary>The most inputs of a matrix whose activations become bytes; 1 where there is none.</summary>
    private static int LongestOf(PackPlan plan) =>
        plan.Parts.Where(static part => part.Format < PackedFormat.Single).Max(static part => (int?)part.From.Inputs) ?? 1;

    private static long BrainTileBytesOf(PackPlan plan, int rows) =>
        plan.Parts.Max(part => (long?)PackedMatMul.BrainTileBytes(part.Format, rows, part.From.Inputs)) ?? 0;

    private readonly struct Panels(PackedPart part, PackedMatrix to) : IWork
    {
        public void Do(int panel) => Some(panel, panel + 1);

        public void All() => Some(0, to.Panels);

        private void Some(int first, int end)
        {
            if (part.Type == part.From.Weight.Type)
                WeightPacker.Pack(part.From.Weight, part.From.Transposed, to, first, end);
            else
                QuantizingPacker.Pack(part.From.Weight, part.From.Transposed, part.Type, to, first, end);
        }
    }
}
