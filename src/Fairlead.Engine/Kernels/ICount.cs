namespace Fairlead.Engine.Kernels;

/// <summary>How many rows, queries or vectors a kernel takes together: a struct for each number, so that each is compiled into a kernel of its own, in which sums that there are not vanish.</summary>
internal interface ICount
{
    static abstract int Count { get; }
}

/// <inheritdoc/>
internal readonly struct One : ICount
{
    public static int Count => 1;
}

/// <inheritdoc/>
internal readonly struct Two : ICount
{
    public static int Count => 2;
}

/// <inheritdoc/>
internal readonly struct Four : ICount
{
    public static int Count => 4;
}

/// <inheritdoc/>
internal readonly struct Six : ICount
{
    public static int Count => 6;
}

/// <inheritdoc/>
internal readonly struct Twelve : ICount
{
    public static int Count => 12;
}
