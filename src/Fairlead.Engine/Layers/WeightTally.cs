using Fairlead.Engine.Formats;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Layers;

/// <summary>How the tensors of a model are kept once it is loaded: most where they lie, a few as copies.</summary>
/// <remarks>The one place that knows: what is measured before a load and what is read during it are both taken from here.</remarks>
internal sealed unsafe class WeightTally
{
    private readonly HashSet<nint> _places = [];
    private readonly List<TensorView> _inPlace = [];
    private readonly List<LinearWeights> _matrices = [];

    /// <summary>Bytes of the tensors that kernels read where they lie, each once: a head that is the embedding table is not there twice.</summary>
    public long InPlaceBytes { get; private set; }

    /// <summary>The matrices of linear layers, in the order in which they are used.</summary>
    public IReadOnlyList<LinearWeights> Matrices => _matrices;

    /// <summary>Bytes of the copies.</summary>
    public long CopiedBytes { get; private set; }

    /// <summary>Bytes that are in memory when all is loaded.</summary>
    public long ResidentBytes => InPlaceBytes + CopiedBytes;

    /// <summary>Bytes that a load makes ready, see <see cref="Read"/>.</summary>
    public long LoadBytes => InPlaceBytes;

    /// <summary>Brings all that is read where it lies into memory.</summary>
    /// <exception cref="ModelFileException">A file has become shorter than it was, or the disk failed.</exception>
    public void Read(ModelFolder folder, LoadMeter meter)
    {
        foreach (TensorView tensor in _inPlace)
            MappedPages.Read(tensor.Data, BytesOf(tensor), folder.Path, meter);
    }

    /// <summary>A table of rows.</summary>
    public void Table(TensorView? table)
    {
        if (table is not { } view || !_places.Add((nint)view.Data))
            return;
        _inPlace.Add(view);
        InPlaceBytes += BytesOf(view);
    }

    /// <summary>A linear layer.</summary>
    public void Linear(LinearWeights? linear)
    {
        if (linear is not { } weights)
            return;
        Table(weights.Weight);
        _matrices.Add(weights);
        Vector(weights.Bias);
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

    /// <summary>Copies that the reader of the file has made.</summary>
    public void Restored(IEnumerable<(nint Data, long Bytes)> buffers)
    {
        foreach ((nint data, long bytes) in buffers)
            CopiedBytes += _places.Contains(data) ? 0 : bytes; // those that are read where they lie are counted there
    }

    private void Vector(TensorView? vector) => CopiedBytes += vector is { } view ? view.Count * sizeof(float) : 0;

    private static long BytesOf(TensorView view) => view.Rows * view.RowBytes;
}
