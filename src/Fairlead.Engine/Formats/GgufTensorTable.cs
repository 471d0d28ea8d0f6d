using System.Collections.Immutable;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Formats;

/// <summary>Reads what a GGUF file says of its tensors: every one inside the file, none over another, all of a type and shape that are read.</summary>
internal static class GgufTensorTable
{
    /// <param name="file">At the first entry; afterwards behind the last.</param>
    /// <param name="count">Entries.</param>
    /// <param name="alignment">Of the data and of every tensor in it; a power of two.</param>
    public static Dictionary<string, GgufTensor> Read(GgufCursor file, int count, int alignment)
    {
        var announced = new List<Announced>();
        for (int i = 0; i < count; i++)
            announced.Add(ReadTensor(file, alignment));

        // The data begins at the next multiple of the alignment; a file that holds a vocabulary alone may end before.
        long start = (file.At + alignment - 1) / alignment * alignment;
        var tensors = new Dictionary<string, GgufTensor>(announced.Count, StringComparer.Ordinal);
        foreach ((string name, long at, ElementType type, ImmutableArray<long> shape, ulong offset, long bytes) in announced)
        {
            if ((Int128)start + offset + bytes > file.Length)
                throw file.Refuse(at, $"tensor {Excerpt.Of(name)} needs the bytes {(Int128)start + offset} to {(Int128)start + offset + bytes}, but the file ends at byte {file.Length}: the download is incomplete");
            if (!tensors.TryAdd(name, new GgufTensor(type, shape, start + (long)offset, bytes)))
                throw file.Refuse(at, $"tensor {Excerpt.Of(name)} stands twice");
        }

        CheckOverlaps(file, tensors);
        return tensors;
    }

    private static void CheckOverlaps(GgufCursor file, Dictionary<string, GgufTensor> tensors)
    {
        KeyValuePair<string, GgufTensor>[] order = [.. tensors];
        Array.Sort(order, static (a, b) => a.Value.Offset.CompareTo(b.Value.Offset));
        for (int i = 1; i < order.Length; i++)
        {
            if (order[i].Value.Offset < order[i - 1].Value.Offset + order[i - 1].Value.Bytes)
                throw file.Refuse(order[i].Value.Offset, $"tensor {Excerpt.Of(order[i].Key)} begins inside {Excerpt.Of(order[i - 1].Key)}");
        }
    }

    private static Announced ReadTensor(GgufCursor file, int alignment)
    {
        long at = file.At;
        string name = file.Text("the name of a tensor");
        uint dimensions = file.UInt32("a number of dimensions");
        if (dimensions > 4)
            throw file.Refuse(at, $"tensor {Excerpt.Of(name)} has {dimensions} dimensions; at most 4 are read");
        long[] shape = new long[dimensions];
        Int128 values = 1;
        for (int i = 0; i < shape.Length; i++)
        {
            ulong dimension = file.UInt64("a dimension");
            if (dimension is 0 or > int.MaxValue)
                throw file.Refuse(at, $"tensor {Excerpt.Of(name)} has a dimension of {dimension}; 1 to {int.MaxValue} are read");
            shape[shape.Length - 1 - i] = (long)dimension;
            values *= dimension; // four times 31 bits
        }

        uint number = file.UInt32("a type");
        ElementType type = GgmlTypes.Readable(number) ?? throw file.Refuse(at, $"tensor {Excerpt.Of(name)} is of type {GgmlTypes.Refusal(number)}");
        ulong offset = file.UInt64("an offset");
        if (offset % (ulong)alignment != 0)
            throw file.Refuse(at, $"tensor {Excerpt.Of(name)} begins at {offset}, no multiple of the alignment {alignment}");
        BlockLayout layout = BlockLayout.Of(type);
        long columns = shape.Length == 0 ? 1 : shape[^1];
        if (columns % layout.Values != 0)
            throw file.Refuse(at, $"tensor {Excerpt.Of(name)} has rows of {columns} values, no whole number of {type} blocks of {layout.Values}");
        Int128 bytes = values / layout.Values * layout.Bytes;
        if (bytes > file.Length)
            throw file.Refuse(at, $"tensor {Excerpt.Of(name)} needs {bytes} bytes, but the file has only {file.Length}");
        TensorLimits.Check(file.Name, at, name, [.. shape]);
        return new Announced(name, at, type, [.. shape], offset, (long)bytes);
    }

    /// <summary>An entry as it stands.</summary>
    /// <param name="At">Where.</param>
    /// <param name="Offset">From where the data begins.</param>
    private readonly record struct Announced(string Name, long At, ElementType Type, ImmutableArray<long> Shape, ulong Offset, long Bytes);
}
