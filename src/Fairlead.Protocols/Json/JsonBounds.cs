namespace Fairlead.Protocols.Json;

/// <summary>How much structure one body may have; what lies beyond is refused, whoever could parse it.</summary>
public sealed record JsonBounds
{
    /// <summary>Objects and arrays within each other.</summary>
    public int Depth { get; init; } = 64;

    /// <summary>Members of all objects together.</summary>
    public int Members { get; init; } = 10_000;

    /// <summary>Values of all kinds together.</summary>
    public int Values { get; init; } = 200_000;

    /// <summary>Characters of one number.</summary>
    public int NumberLength { get; init; } = 40;

    /// <summary>Half of a surrogate pair may stand alone in a string, as in pieces of a text whose characters were cut in two; it is told, not a fault.</summary>
    public bool LoneHalves { get; init; }

    public static JsonBounds Default { get; } = new();

    /// <summary>For a part of a text that has been walked within its bounds already.</summary>
    internal static JsonBounds Scanned { get; } = new() { Depth = int.MaxValue, Members = int.MaxValue, Values = int.MaxValue, NumberLength = int.MaxValue };
}
