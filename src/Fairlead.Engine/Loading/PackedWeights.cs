using System.Diagnostics;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Kernels.Quantizing;
using Fairlead.Engine.Layers;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Loading;

/// <summary>The matrices of a model in the form in which they are multiplied, by where their stored form lies.</summary>
internal sealed unsafe class PackedWeights : IDisposable
{
    private readonly Dictionary<nint, PackedMatrix> _matrices = [];
    private readonly NativeBuffer<byte> _memory;
    private readonly QuantizedRows _room;

    private PackedWeights(PackPlan plan, int rowsPerPass, int threads)
    {
        _memory = new NativeBuffer<byte>(plan.PackedBytes, hugePages: true);
        _room = new QuantizedRows(rowsPerPass, LongestOf(plan), threads, BrainTileBytesOf(plan, rowsPerPass));
        Report = PackReport.Of(plan, default);
    }

    /// <summary>What has been packed, and how long that took.</summary>
    public PackReport Report { get; private set; }

    /// <summary>Reads and packs what <paramref name="plan"/> says.</summary>
    /// <param name="plan">What becomes of the tensors.</param>
    /// <param name="rowsPerPass">Rows of activations that are multiplied at a time; more run in several pieces with the same result.</param>
    /// <param name="source">Where they come from: a matrix is released as soon as it is packed, so that no more than one of them is in memory twice.</param>
    /// <param name="crew">Who shares the packing; null: the caller alone.</param>
    /// <param name="meter">Hears how far it is; null where nobody waits: what is read in place then comes when it is first read.</param>
    /// <exception cref="ModelFileException">A file has become shorter than it was, or the disk failed.</exception>
    public static PackedWeights Pack(PackPlan plan, int rowsPerPass, IWeights source, WorkCrew? crew, LoadMeter? meter)
    {
        long started = Stopwatch.GetTimestamp();
        var packed = new PackedWeights(plan, rowsPerPass, crew?.Threads ?? 1);
        try
        {
            foreach (TensorView tensor in meter is null ? [] : plan.InPlace)
                MappedPages.Read(tensor.Data, PackPlan.BytesOf(tensor), plan.File, meter);
            foreach (PackedPart part in plan.Parts)
            {
                packed.Pack(part, plan.File, crew, meter);
                if (plan.IsDone(part))
                    source.Release(part.From.Weight);
            }
        }
        catch
        {
            packed.Dispose();
            throw;
        }

        packed.Report = PackReport.Of(plan, Stopwatch.GetElapsedTime(started));
        return packed;
    }

    /// <summary>Bytes of the room that multiplying takes beside the weights, with a crew of <paramref name="threads"/>.</summary>
    public static long RoomBytes(PackPlan plan, int rowsPerPass, int threads) =>
        QuantizedRows.BytesFor(rowsPerPass, LongestOf(plan), threads, BrainTileBytesOf(plan, rowsPerPass));

    /// <summary>The packed form of a matrix, if it has one.</summary>
    public bool TryGet(in TensorView stored, out PackedMatrix packed) => _matrices.TryGetValue((nint)stored.Data, out packed);

    /// <summary>See <see cref="PackedMatMul.Multiply"/>; any number of rows.</summary>
    public void Multiply(in PackedMatrix weight, float* input, float* output, int rows, WorkCrew? crew)
    {
        for (int first = 0; first < rows; first += _room.Rows)
        {
            long row = first;
            PackedMatMul.Multiply(weight, input + (row * weight.Inputs), output + (row * weight.Outputs), Math.Min(_room.Rows, rows - first), _room, crew);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _memory.Dispose();
        _room.Dispose();
    }

    private void Pack(in PackedPart part, string file, WorkCrew? crew, LoadMeter? meter)
    {
        LinearWeights from = part.From;
        if (meter is not null)
            MappedPages.Read(from.Weight.Data, PackPlan.BytesOf(from.Weight), file, meter);
        var to = new PackedMatrix(part.Format, from.Outputs, from.Inputs, (nint)(_memory.Data + part.Offset));
        var panels = new Panels(part, to);
        if (crew is null)
            panels.All();
        else
            crew.Run(to.Panels, panels);
        _matrices.Add((nint)from.Weight.Data, to);
    }

    /// <summary>The most inputs of a matrix whose activations become bytes; 1 where there is none.</summary>
    private static int LongestOf(PackPlan plan) =>
        plan.Parts.Where(static part => part.Format < PackedFormat.Single).Max(static part => (int?)part.From.Inputs) ?? 1;

    private static long BrainTileBytesOf(PackPlan plan, int rows) =>
        plan.Parts.Where(static part => part.Format is PackedFormat.BrainTiles or PackedFormat.BrainPairTiles).Max(part => (long?)BrainMatMul.RoomBytes(rows, part.From.Inputs)) ?? 0;

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
