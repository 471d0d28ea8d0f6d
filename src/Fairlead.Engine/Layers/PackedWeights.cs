using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Layers;

/// <summary>The matrices of a model in the form in which they are multiplied, by where their stored form lies.</summary>
internal sealed unsafe class PackedWeights : IDisposable
{
    private readonly Dictionary<nint, PackedMatrix> _matrices = [];
    private readonly NativeBuffer<byte> _memory;
    private readonly QuantizedRows _room;

    private PackedWeights(NativeBuffer<byte> memory, QuantizedRows room) => (_memory, _room) = (memory, room);

    /// <summary>Packs those of <paramref name="matrices"/> that multiply faster when they are packed.</summary>
    /// <param name="rowsPerPass">Rows of activations that are multiplied at a time; more run in several pieces with the same result.</param>
    public static PackedWeights Pack(IReadOnlyCollection<LinearWeights> matrices, int rowsPerPass, KernelFamily family, WorkCrew? crew)
    {
        List<(LinearWeights From, PackedFormat Format)> chosen = Choose(matrices, family);
        var packed = new PackedWeights(new NativeBuffer<byte>(BytesOf(chosen), hugePages: true), new QuantizedRows(rowsPerPass, LongestOf(chosen), crew?.Threads ?? 1, BrainTileBytesOf(chosen, rowsPerPass)));
        byte* at = packed._memory.Data;
        foreach ((LinearWeights from, PackedFormat format) in chosen)
        {
            var to = new PackedMatrix(format, from.Outputs, from.Inputs, (nint)at);
            packed._matrices.Add((nint)from.Weight.Data, to);
            var panels = new Panels(from, to);
            if (crew is null)
                panels.All();
            else
                crew.Run(to.Panels, panels);
            at += PackedLayout.BytesFor(format, from.Outputs, from.Inputs);
        }

        return packed;
    }

    /// <summary>Bytes that <see cref="Pack"/> with a crew of <paramref name="threads"/> takes.</summary>
    public static long BytesFor(IReadOnlyCollection<LinearWeights> matrices, int rowsPerPass, KernelFamily family, int threads)
    {
        List<(LinearWeights From, PackedFormat Format)> chosen = Choose(matrices, family);
        return BytesOf(chosen) + QuantizedRows.BytesFor(rowsPerPass, LongestOf(chosen), threads, BrainTileBytesOf(chosen, rowsPerPass));
    }

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

    private static List<(LinearWeights From, PackedFormat Format)> Choose(IReadOnlyCollection<LinearWeights> matrices, KernelFamily family)
    {
        var chosen = new List<(LinearWeights From, PackedFormat Format)>();
        var places = new HashSet<nint>();
        foreach (LinearWeights matrix in matrices)
        {
            if (PackedLayout.FormatFor(matrix.Weight.Type, matrix.Inputs, family) is { } format && places.Add((nint)matrix.Weight.Data))
                chosen.Add((matrix, format));
        }

        return chosen;
    }

    private static long BytesOf(List<(LinearWeights From, PackedFormat Format)> chosen) =>
        chosen.Sum(static one => PackedLayout.BytesFor(one.Format, one.From.Outputs, one.From.Inputs));

    /// <summary>The most inputs of a matrix whose activations become bytes; 1 where there is none.</summary>
    private static int LongestOf(List<(LinearWeights From, PackedFormat Format)> chosen) =>
        chosen.Where(static one => one.Format < PackedFormat.Single).Max(static one => (int?)one.From.Inputs) ?? 1;

    private static long BrainTileBytesOf(List<(LinearWeights From, PackedFormat Format)> chosen, int rows) =>
        chosen.Where(static one => one.Format is PackedFormat.BrainTiles or PackedFormat.BrainPairTiles).Max(one => (long?)BrainMatMul.RoomBytes(rows, one.From.Inputs)) ?? 0;

    private readonly struct Panels(LinearWeights from, PackedMatrix to) : IWork
    {
        public void Do(int panel) => WeightPacker.Pack(from.Weight, from.Transposed, to, panel, panel + 1);

        public void All() => WeightPacker.Pack(from.Weight, from.Transposed, to, 0, to.Panels);
    }
}
