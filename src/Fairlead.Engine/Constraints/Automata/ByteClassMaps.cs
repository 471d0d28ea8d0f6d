namespace Fairlead.Engine.Constraints.Automata;

/// <summary>The class of each byte, for states that tell the same bytes apart: most states of an automaton share a few such maps.</summary>
internal sealed class ByteClassMaps
{
    private readonly HashSet<byte[]> _maps = new(new ByContent());
    private readonly HashSet<byte[]>.AlternateLookup<ReadOnlySpan<byte>> _bySpan;

    public ByteClassMaps() => _bySpan = _maps.GetAlternateLookup<ReadOnlySpan<byte>>();

    /// <summary>The map with this content, the same one each time. Not to be written to.</summary>
    public byte[] Shared(ReadOnlySpan<byte> classOf)
    {
        if (!_bySpan.TryGetValue(classOf, out byte[]? map))
            _maps.Add(map = classOf.ToArray());
        return map;
    }

    private sealed class ByContent : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            HashCode hash = default;
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }
    }
}
