namespace Fairlead.Engine.Kernels.Packed;

/// <summary>How many rows share the loading of a weight: a struct for each number, so that each is compiled into a kernel of its own.</summary>
internal interface IRowCount
{
    static abstract int Count { get; }
}

/// <inheritdoc/>
internal readonly struct OneRow : IRowCount
{
    public static int Count => 1;
}

/// <inheritdoc/>
internal readonly struct TwoRows : IRowCount
{
    public static int Count => 2;
}

/// <inheritdoc/>
internal readonly struct FourRows : IRowCount
{
    public static int Count => 4;
}
