namespace Fairlead.Engine.Constraints.Automata;

/// <summary>One expression of a <see cref="NodeTable"/>. What A, B and C mean is said at <see cref="NodeKind"/>.</summary>
internal struct Node
{
    public NodeKind Kind;
    public NodeFlags Flags;
    public int A;
    public int B;
    public int C;

    /// <summary>Of kind and parts; for the table alone.</summary>
    public int Hash;

    /// <summary>The next one in the same bucket, −1 at its end; for the table alone.</summary>
    public int NextInBucket;
}

/// <summary>What is known of an expression beside its parts.</summary>
[Flags]
internal enum NodeFlags : byte
{
    None = 0,

    /// <summary>The empty text satisfies it.</summary>
    Nullable = 1,

    /// <summary>An intersection or complement inside may leave nothing, which only a search can tell.</summary>
    MayBeNever = 2,

    /// <summary>The search has been made: something satisfies it.</summary>
    Alive = 4,

    /// <summary>The search has been made: nothing satisfies it.</summary>
    Dead = 8,

    /// <summary>A repetition with a count stands on its spine (see <see cref="CountClamp"/>).</summary>
    Counts = 16,
}
