using System.Text;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Formats;

/// <summary>Writes GGUF files for tests, the way the specification has them. Values keep the order they are given in.</summary>
internal sealed class GgufWriter
{
    private readonly List<(string Key, byte[] Value)> _metadata = [];
    private readonly List<(string Name, ElementType Type, long[] Shape, byte[] Data)> _tensors = [];

    public int Version { get; init; } = 3;

    public int Alignment { get; init; } = 32;

    public GgufWriter Set(string key, string value) => SetRaw(key, GgufType.Text, w => Text(w, value));

    public GgufWriter Set(string key, uint value) => SetRaw(key, GgufType.UInt32, w => w.Write(value));

    public GgufWriter Set(string key, float value) => SetRaw(key, GgufType.Float32, w => w.Write(value));

    public GgufWriter Set(string key, bool value) => SetRaw(key, GgufType.Boolean, w => w.Write(value));

    public GgufWriter Set(string key, IReadOnlyCollection<string> values) => SetList(key, GgufType.Text, values.Count, w =>
    {
        foreach (string value in values)
            Text(w, value);
    });

    public GgufWriter Set(string key, IReadOnlyCollection<float> values) => SetList(key, GgufType.Float32, values.Count, w =>
    {
        foreach (float value in values)
            w.Write(value);
    });

    public GgufWriter Set(string key, IReadOnlyCollection<int> values) => SetList(key, GgufType.Int32, values.Count, w =>
    {
        foreach (int value in values)
            w.Write(value);
    });

    public GgufWriter SetRaw(string key, GgufType type, Action<BinaryWriter> write)
    {
        _metadata.Add((key, Bytes(w =>
        {
            w.Write((uint)type);
            write(w);
        })));
        return this;
    }

    public GgufWriter SetList(string key, GgufType type, int count, Action<BinaryWriter> write) => SetRaw(key, GgufType.Array, w =>
    {
        w.Write((uint)type);
        w.Write((ulong)count);
        write(w);
    });

    /// <summary>A tensor; <paramref name="shape"/> has the outermost dimension first, as everywhere but in the file.</summary>
    public GgufWriter Add(string name, ElementType type, long[] shape, byte[] data)
    {
        _tensors.Add((name, type, shape, data));
        return this;
    }

    public void WriteTo(string path) => File.WriteAllBytes(path, ToArray());

    public byte[] ToArray() => Bytes(w =>
    {
        w.Write("GGUF"u8);
        w.Write(Version);
        w.Write((ulong)_tensors.Count);
        w.Write((ulong)_metadata.Count);
        foreach ((string key, byte[] value) in _metadata)
        {
            Text(w, key);
            w.Write(value);
        }

        long offset = 0;
        foreach ((string name, ElementType type, long[] shape, byte[] data) in _tensors)
        {
            Text(w, name);
            w.Write((uint)shape.Length);
            foreach (long dimension in shape.Reverse())
                w.Write((ulong)dimension);
            w.Write((uint)type);
            w.Write((ulong)offset);
            offset += (data.Length + Alignment - 1) / Alignment * Alignment;
        }

        foreach ((_, _, _, byte[] data) in _tensors)
        {
            Pad(w);
            w.Write(data);
        }

        if (_tensors.Count > 0)
            Pad(w);
    });

    private static void Text(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }

    private static byte[] Bytes(Action<BinaryWriter> write)
    {
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        write(writer);
        writer.Flush();
        return stream.ToArray();
    }

    private void Pad(BinaryWriter writer)
    {
        while (writer.BaseStream.Position % Alignment != 0)
            writer.Write((byte)0);
    }
}
