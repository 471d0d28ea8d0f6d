namespace Fairlead.Engine.Generation;

/// <summary>Where the keys and values of one head lie in a block of 16 positions: offsets in bytes, each a multiple of 64.</summary>
/// <remarks>
/// Keys come first, transposed, <c>[KeyDimension × 16]</c>: attention over a block is then a sum of broadcasts and needs no sum across a vector. Values
/// follow row by row, <c>[16 × ValueWidth]</c>. In <see cref="KvType.Q8_0"/> each is followed by its scales, <c>float [groups of 32 × 16 positions]</c>.
/// </remarks>
public readonly record struct KvLayout
{
    /// <summary>Numbers that share a scale.</summary>
    public const int Group = 32;

    /// <summary>For heads whose keys and values are so long.</summary>
    public KvLayout(KvType type, int keyDimension, int valueDimension)
    {
        (Type, KeyDimension, ValueWidth) = (type, keyDimension, (valueDimension + 15) & ~15);
        bool scaled = type == KvType.Q8_0;
        int size = type switch { KvType.F32 => sizeof(float), KvType.F16 => sizeof(ushort), _ => sizeof(sbyte) };
        KeyScales = Aligned((long)keyDimension * KvCache.BlockPositions * size);
        Values = KeyScales + (scaled ? ScaleBytes(keyDimension) : 0);
        ValueScales = Values + Aligned((long)ValueWidth * KvCache.BlockPositions * size);
        Bytes = ValueScales + (scaled ? ScaleBytes(ValueWidth) : 0);
    }

    /// <summary>The form of the numbers.</summary>
    public KvType Type { get; }

    /// <summary>Length of a key.</summary>
    public int KeyDimension { get; }

    /// <summary>From a value to that of the next position, in numbers: its length and then zeros up to a multiple of 16, so that kernels read whole vectors.</summary>
    public int ValueWidth { get; }

    /// <summary>Of the keys' scales.</summary>
    public int KeyScales { get; }

    /// <summary>Of the values.</summary>
    public int Values { get; }

    /// <summary>Of the values' scales.</summary>
    public int ValueScales { get; }

    /// <summary>Of everything of one head in one block.</summary>
    public int Bytes { get; }

    private static int ScaleBytes(int numbers) => (numbers + Group - 1) / Group * KvCache.BlockPositions * sizeof(float);

    private static int Aligned(long bytes) => checked((int)((bytes + 63) & ~63L));
}
