namespace Fairlead.Protocols.Json;

/// <summary>Asks what a single value is whose bytes are given, without white space around them; an empty span is a value that does not stand there.</summary>
public static class JsonSpan
{
    public static bool IsString(ReadOnlySpan<byte> value) => value is [(byte)'"', ..];

    public static bool IsObject(ReadOnlySpan<byte> value) => value is [(byte)'{', ..];

    public static bool IsArray(ReadOnlySpan<byte> value) => value is [(byte)'[', ..];

    public static bool IsTrue(ReadOnlySpan<byte> value) => value is [(byte)'t', ..];

    /// <summary>It stands there and is not null, which says the same as leaving it out.</summary>
    public static bool IsSet(ReadOnlySpan<byte> value) => value is not ([] or [(byte)'n', ..]);

    /// <summary>What stands between the quotes of a string, escapes as written.</summary>
    public static ReadOnlySpan<byte> Inner(ReadOnlySpan<byte> value) => value[1..^1];

    /// <summary>Whether it is the string <paramref name="plain"/>, however it is spelled.</summary>
    public static bool Is(ReadOnlySpan<byte> value, ReadOnlySpan<byte> plain) =>
        IsString(value) && JsonText.Is(Inner(value), Inner(value).Contains((byte)'\\'), plain);
}
