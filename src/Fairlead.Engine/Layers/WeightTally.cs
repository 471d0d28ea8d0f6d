using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Layers;

/// <summary>The tensors of a model by what is done with them, each once: a head that is the embedding table is a matrix and a table.</summary>
/// <remarks>The one place that knows: what is measured before a load and what is done during it are both taken from here, see <see cref="Loading.PackPlan"/>.</remarks>
internal sealed class WeightTally
{
    private readonly HashSet<nint> _tablePlaces = [];
    private readonly HashSet<nint> _matrixPlaces = [];
    private readonly HashSet<nint> _routerPlaces = [];
    private readonly List<TensorView> _tables = [];
    private readonly List<LinearWeights> _matrices = [];

    /// <summary>Tables of which rows are read where they lie.</summary>
    public IReadOnlyList<TensorView> Tables => _tables;

    /// <summary>The matrices of linear layers, in the order in which they are used.</summary>
    public IReadOnlyList<LinearWeights> Matrices => _matrices;

    /// <summary>Bytes of the copies that layers make of norms and biases.</summary>
    public long CopiedBytes { get; private set; }

    /// <summary>Bytes of the tensors that the reader of the file had to put in another order: in memory until they are packed, or for good.</summary>
    public long RestoredBytes { get; private set; }

    /// <summary>A table of rows.</summary>
    public unsafe void Table(TensorView? table)
    {
        if (table is { } view && _tablePlaces.Add((nint)view.Data))
            _tables.Add(view);
    }

    /// <summary>A linear layer.</summary>
    public unsafe void Linear(LinearWeights? linear)
    {
        if (linear is not { } weights)
            return;
        if (_matrixPlaces.Add((nint)weights.Weight.Data))
            _matrices.Add(weights);
        Vector(weights.Bias);
    }

    /// <summary>A linear layer that chooses among experts: a small error may change its choice, and it is small, so it is never quantised.</summary>
    public unsafe void Router(LinearWeights? router)
    {
        Linear(router);
        if (router is { } weights)
            _routerPlaces.Add((nint)weights.Weight.Data);
    }

    /// <summary>A norm.</summary>
    public void Norm(NormWeights? norm)
    {
        Vector(norm?.Scale);
        Vector(norm?.Shift);
    }

    /// <summary>A feed-forward layer.</summary>
    public void Mlp(MlpWeights? mlp)
    {
        Linear(mlp?.Gate);
        Linear(mlp?.Up);
        Linear(mlp?.Down);
    }

    /// <summary>Buffers that the reader of the file has made.</summary>
    public void Restored(IEnumerable<(nint Data, long Bytes)> buffers) => RestoredBytes += buffers.Sum(static buffer => buffer.Bytes);

    /// <summary>Whether the matrix chooses among experts.</summary>
    public unsafe bool IsRouter(in LinearWeights matrix) => _routerPlaces.Contains((nint)matrix.Weight.Data);

    /// <summary>Whether the matrix is a table, too.</summary>
    public unsafe bool IsTable(in LinearWeights matrix) => _tablePlaces.Contains((nint)matrix.Weight.Data);

    private void Vector(TensorView? vector) => CopiedBytes += vector is { } view ? view.Count * sizeof(float) : 0;
}
