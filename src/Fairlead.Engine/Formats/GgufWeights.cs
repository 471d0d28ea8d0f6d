using System.Globalization;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Formats;

/// <summary>The weights of a GGUF file under the names, and in the order of rows, of the Hugging Face checkpoint it was converted from.</summary>
/// <remarks>
/// Most tensors are views of the mapping. What the converter rearranged (<see cref="RowOrder"/>), shifted (Gemma's norms) or transposed
/// (GPT-2) is put back into a buffer of this object's when it is first asked for, and stays until <see cref="Dispose"/>.
/// </remarks>
public sealed unsafe class GgufWeights : IWeights
{
    private readonly GgufFile _file;
    private readonly GgufArchitecture _architecture;
    private readonly Dictionary<string, Place> _places = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (TensorView View, NativeBuffer<byte> Buffer)> _restored = new(StringComparer.Ordinal);
    private readonly Lock _restoring = new();
    private readonly bool _outlineOnly;

    /// <summary>Names the tensors of <paramref name="file"/>, which stays the caller's.</summary>
    /// <param name="outlineOnly">What would be put back gets its room and no values, so that no weight is read.</param>
    /// <exception cref="ModelFileException">The architecture is not known, or it has a tensor that this architecture is not known to have.</exception>
    public GgufWeights(GgufFile file, bool outlineOnly = false)
    {
        (_file, _outlineOnly) = (file, outlineOnly);
        _architecture = GgufArchitecture.Of(file);
        foreach ((string name, GgufTensor tensor) in file.Tensors)
            AddPlaces(name, tensor);
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Names => _places.Keys;

    /// <inheritdoc/>
    public bool TryGet(string name, out TensorView tensor)
    {
        if (!_places.TryGetValue(name, out Place place))
        {
            tensor = default;
            return false;
        }

        _ = _file.TryGet(place.Source, out tensor);
        if (place.Expert is { } expert)
            tensor = Expert(tensor, expert);
        if (place.Inner == "ffn_gate_inp_shexp" && tensor.Shape.Length == 1)
            tensor = new TensorView(tensor.Type, [1, tensor.Columns], tensor.Data); // a linear layer of one output, of which the converter keeps the row
        if (!place.NeedsRestoring)
            return true;
        lock (_restoring)
        {
            if (!_restored.TryGetValue(name, out (TensorView View, NativeBuffer<byte> Buffer) done))
                _restored.Add(name, done = Restore(place, tensor));
            tensor = done.View;
        }

        return true;
    }

    /// <summary>The buffers of what was put back so far.</summary>
    public IReadOnlyList<(nint Data, long Bytes)> Restored
    {
        get
        {
            lock (_restoring)
                return [.. _restored.Values.Select(static done => ((nint)done.Buffer.Data, done.Buffer.Length))];
        }
    }

    /// <inheritdoc/>
    public void Release(in TensorView tensor)
    {
        nint data = (nint)tensor.Data;
        lock (_restoring)
        {
            foreach ((string name, (_, NativeBuffer<byte> buffer)) in _restored)
            {
                if (data < (nint)buffer.Data || data >= (nint)buffer.Data + buffer.Length)
                    continue;
                // Of a fused projection only a part may be done with.
                if (data == (nint)buffer.Data && tensor.Rows * tensor.RowBytes == buffer.Length)
                {
                    _restored.Remove(name);
                    buffer.Dispose();
                }

                return;
            }
        }

        MappedPages.Forget(tensor.Data, tensor.Rows * tensor.RowBytes);
    }

    /// <summary>Gives the restored tensors back; the file is its owner's.</summary>
    public void Dispose()
    {
        foreach ((_, NativeBuffer<byte> buffer) in _restored.Values)
            buffer.Dispose();
        _restored.Clear();
    }

    private void AddPlaces(string name, GgufTensor tensor)
    {
        // tables of the rotary embedding: part of the configuration in the Hugging Face form
        if (name is "rope_freqs.weight" or "rope_factors_long.weight" or "rope_factors_short.weight")
            return;

        int dot = name.LastIndexOf('.');
        string stem = dot < 0 ? name : name[..dot], suffix = dot < 0 ? "" : name[dot..];
        if (suffix is not (".weight" or ".bias"))
            throw Unknown(name, tensor);
        if (!stem.StartsWith("blk.", StringComparison.Ordinal))
        {
            if (!_architecture.Outer.TryGetValue(stem, out string? outer))
                throw Unknown(name, tensor);
            Add(outer + suffix, new Place(name, stem, suffix, null, _architecture.AddsOne(stem)), tensor);
            return;
        }

        int end = stem.IndexOf('.', 4);
        if (end < 0 || !ushort.TryParse(stem.AsSpan(4, end - 4), NumberStyles.None, CultureInfo.InvariantCulture, out ushort layer))
            throw Unknown(name, tensor);
        string inner = stem[(end + 1)..], expert = "";

        // before April 2024 every expert was a tensor of its own: ffn_gate.3
        if (inner.Split('.') is [var first, var number] && first.StartsWith("ffn_", StringComparison.Ordinal) && ushort.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out ushort single))
            (inner, expert) = (first + "_exps", single.ToString(CultureInfo.InvariantCulture));
        if (!_architecture.Inner.TryGetValue(inner, out string? found))
            throw Unknown(name, tensor);
        string prefix = string.Format(CultureInfo.InvariantCulture, _architecture.Layer, layer);
        bool needsRestoring = _architecture.OrderOf(inner) != RowOrder.Same || _architecture.AddsOne(inner) || (_architecture.IsTransposed(inner) && suffix == ".weight");
        if (!found.Contains("{0}", StringComparison.Ordinal))
        {
            Add(prefix + found + suffix, new Place(name, inner, suffix, null, needsRestoring), tensor);
        }
        else if (expert.Length > 0)
        {
            Add(prefix + string.Format(CultureInfo.InvariantCulture, found, expert) + suffix, new Place(name, inner, suffix, null, false), tensor);
        }
        else
        {
            // one tensor holds all experts, one after the other
            if (tensor.Shape.Length != 3 || tensor.Shape[0] > GgufFile.MaxTensors)
                throw new ModelFileException(_file.Name, tensor.Offset, $"tensor {Excerpt.Of(name)} must have three dimensions, the experts first");
            for (int i = 0; i < tensor.Shape[0]; i++)
                Add(prefix + string.Format(CultureInfo.InvariantCulture, found, i) + suffix, new Place(name, inner, suffix, i, false), tensor);
        }
    }

    private void Add(string name, Place place, GgufTensor tensor)
    {
        if (_places.Count == GgufFile.MaxTensors * 4)
            throw new ModelFileException(_file.Name, tensor.Offset, $"more than {GgufFile.MaxTensors * 4} tensors and experts");
        if (!_places.TryAdd(name, place))
            throw new ModelFileException(_file.Name, tensor.Offset, $"tensor {Excerpt.Of(place.Source)} gives {name} a second time");
    }

    // A tensor that nobody reads may change the mathematics (a bias, a scale): it is refused, not ignored.
    private ModelFileException Unknown(string name, GgufTensor tensor) =>
        new(_file.Name, tensor.Offset, $"tensor {Excerpt.Of(name)} is not known for architecture {_architecture.Name}; llama-server may serve this file");

    private static TensorView Expert(in TensorView all, int expert)
    {
        long rows = all.Shape[1], columns = all.Shape[2];
        return new TensorView(all.Type, [rows, columns], all.Data + (expert * rows * BlockLayout.Of(all.Type).SizeOf(columns)));
    }

    private (TensorView View, NativeBuffer<byte> Buffer) Restore(Place place, in TensorView from)
    {
        (TensorView View, NativeBuffer<byte> Buffer) restored = _architecture.AddsOne(place.Inner) ? WithoutOne(from)
            : _architecture.IsTransposed(place.Inner) && place.Suffix == ".weight" ? Transposed(from)
            : Reordered(place, from);
        if (!_outlineOnly)
            MappedPages.Forget(from.Data, from.Rows * from.RowBytes); // nobody reads them again where they lie
        return restored;
    }

    private (TensorView View, NativeBuffer<byte> Buffer) WithoutOne(in TensorView from)
    {
        NativeBuffer<byte> buffer = new(from.Count * sizeof(float));
        var view = new TensorView(ElementType.F32, from.Shape, buffer.Data);
        if (_outlineOnly)
            return (view, buffer);
        Span<float> values = new(buffer.Data, (int)from.Count);
        Dequantize.Row(from.Type, from.Data, values);
        foreach (ref float value in values)
            value -= 1;
        return (view, buffer);
    }

    private (TensorView View, NativeBuffer<byte> Buffer) Transposed(in TensorView from)
    {
        int rows = from.Rows, columns = from.Columns;
        NativeBuffer<byte> buffer = new(from.Count * sizeof(float));
        float* to = (float*)buffer.Data;
        var view = new TensorView(ElementType.F32, [columns, rows], buffer.Data);
        if (_outlineOnly)
            return (view, buffer);
        float[] row = new float[columns];
        for (int r = 0; r < rows; r++)
        {
            Dequantize.Row(from.Type, from.Data + (r * from.RowBytes), row);
            for (int c = 0; c < columns; c++)
                to[((long)c * rows) + r] = row[c];
        }

        return (view, buffer);
    }

    // Whole rows move, so their bytes do, whatever they encode. A bias has one value where a weight has a row.
    private (TensorView View, NativeBuffer<byte> Buffer) Reordered(Place place, in TensorView from)
    {
        bool isBias = from.Shape.Length == 1;
        if (isBias && BlockLayout.Of(from.Type).Values > 1)
            throw new ModelFileException(_file.Name, _file.Tensors[place.Source].Offset, $"bias {Excerpt.Of(place.Source)} is stored as {from.Type}, whose values cannot be moved one by one");
        int rows = isBias ? from.Columns : from.Rows;
        long rowBytes = isBias ? BlockLayout.Of(from.Type).Bytes : from.RowBytes;
        Func<int, int> source = _architecture.OrderOf(place.Inner) == RowOrder.RotaryPairs ? HalvesFromPairs(place, rows) : GroupsFromKinds(place, rows);
        NativeBuffer<byte> buffer = new(rows * rowBytes);
        for (int row = 0; row < rows && !_outlineOnly; row++)
            Buffer.MemoryCopy(from.Data + (source(row) * rowBytes), buffer.Data + (row * rowBytes), rowBytes, rowBytes);
        return (new TensorView(from.Type, from.Shape, buffer.Data), buffer);
    }

    // The converter: reshape(heads, 2, half).swapaxes(1, 2). Row (head, side, i) of ours is its row (head, i, side).
    private Func<int, int> HalvesFromPairs(Place place, int rows)
    {
        int heads = place.Inner == "attn_q" ? Metadata("attention.head_count") : Metadata("attention.head_count_kv", Metadata("attention.head_count"));
        if (heads < 1 || rows % (2 * heads) != 0)
            throw Misfit(place, rows, heads);
        int size = rows / heads, half = size / 2;
        return row => (row / size * size) + (row % size % half * 2) + (row % size / half);
    }

    // The converter: q, k and v of all groups, one kind after the other. A group of ours is its queries, its key, its value.
    private Func<int, int> GroupsFromKinds(Place place, int rows)
    {
        int heads = Metadata("attention.head_count"), groups = _architecture.Name == "bloom" ? heads : Metadata("attention.head_count_kv", 1);
        if (heads < 1 || groups < 1 || heads % groups != 0 || rows % (heads + (2L * groups)) != 0)
            throw Misfit(place, rows, heads);
        int size = (int)(rows / (heads + (2L * groups))), queries = heads / groups;
        return row =>
        {
            int group = row / size / (queries + 2), part = row / size % (queries + 2), within = row % size;
            int head = part < queries ? (group * queries) + part : heads + ((part - queries) * groups) + group;
            return (head * size) + within;
        };
    }

    private int Metadata(string key, int? fallback = null)
    {
        string full = $"{_architecture.Name}.{key}";
        return _file.Integer(full) is { } number ? number is > 0 and <= int.MaxValue ? (int)number : throw _file.Refuse(full, "must be from 1 to 2147483647") : fallback ?? throw _file.Refuse(full, "is missing");
    }

    private ModelFileException Misfit(Place place, int rows, int heads) =>
        new(_file.Name, _file.Tensors[place.Source].Offset, $"tensor {Excerpt.Of(place.Source)} has {rows} rows, which {heads} heads cannot share");

    private readonly record struct Place(string Source, string Inner, string Suffix, int? Expert, bool NeedsRestoring);
}
