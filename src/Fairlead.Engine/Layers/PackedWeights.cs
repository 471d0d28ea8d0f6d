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
    public static PackedWeights Pack(IReadOnlyCollection<TensorView> matrices, int rowsPerPass, KernelFamily family, WorkCrew? crew)
    {
        var chosen = new List<(TensorView From, PackedFormat Format)>();
        var places = new HashSet<nint>();
        long bytes = 0;
        foreach (TensorView matrix in matrices)
        {
            if (PackedLayout.FormatFor(matrix.Type, matrix.Columns, family) is not { } format || !places.Add((nint)matrix.Data))
                continue;
            chosen.Add((matrix, format));
            bytes += PackedLayout.BytesFor(format, matrix.Rows, matrix.Columns);
        }

        var packed = new PackedWeights(new NativeBuffer<byte>(bytes), new QuantizedRows(rowsPerPass, chosen.Max(static one => (int?)one.From.Columns) ?? 0));
        byte* at = packed._memory.Data;
        foreach ((TensorView from, PackedFormat format) in chosen)
        {
            var to = new PackedMatrix(format, from.Rows, from.Columns, (nint)at);
            packed._matrices.Add((nint)from.Data, to);
            var panels = new Panels(from, to);
            if (crew is null)
                panels.All();
            else
                crew.Run(to.Panels, panels);
            at += PackedLayout.BytesFor(format, from.Rows, from.Columns);
        }

        return packed;
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

    private readonly struct Panels(TensorView from, PackedMatrix to) : IWork
    {
        public void Do(int panel) => WeightPacker.Pack(from, to, panel, panel + 1);

        public void All() => WeightPacker.Pack(from, to, 0, to.Panels);
    }
}
