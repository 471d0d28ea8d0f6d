namespace Fairlead.Engine.Formats;

/// <summary>Where a value of a GGUF file's metadata lies. It stays there until it is asked for.</summary>
/// <param name="Type">Of the value; in a list of its elements, which are no lists themselves.</param>
/// <param name="IsList">Whether it is one.</param>
/// <param name="Count">Elements; 1 where it is no list.</param>
/// <param name="Offset">Its first byte, from the beginning of the file; in a list the first element's.</param>
internal readonly record struct GgufValue(GgufType Type, bool IsList, int Count, long Offset)
{
    /// <summary>Bytes of one element; a text has a length of its own.</summary>
    public int ElementBytes => SizeOf(Type);

    /// <summary>Bytes of a value of that type; not of a text, which has a length of its own.</summary>
    public static int SizeOf(GgufType type) => type switch
    {
        GgufType.UInt8 or GgufType.Int8 or GgufType.Boolean => 1,
        GgufType.UInt16 or GgufType.Int16 => 2,
        GgufType.UInt32 or GgufType.Int32 or GgufType.Float32 => 4,
        _ => 8,
    };
}
