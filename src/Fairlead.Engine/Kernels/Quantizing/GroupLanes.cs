using System.Runtime.CompilerServices;

namespace Fairlead.Engine.Kernels.Quantizing;

/// <summary>Sixteen groups of 32 values side by side, a lane each, so that a search for their scales adds within lanes and never across them.</summary>
internal static unsafe class GroupLanes
{
    /// <summary>Lanes.</summary>
    public const int Groups = 16;

    /// <summary>Values of a group.</summary>
    public const int Values = 32;

    /// <summary>Value i of each of <paramref name="groups"/> groups to <paramref name="lanes"/><c>[i × 16 + group]</c>; zeros where there are fewer than 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Read(float* values, int groups, float* lanes)
    {
        if (groups < Groups)
            new Span<float>(lanes, Groups * Values).Clear();
        for (int group = 0; group < groups; group++, values += Values)
        {
            for (int i = 0; i < Values; i++)
                lanes[(i * Groups) + group] = values[i];
        }
    }
}
