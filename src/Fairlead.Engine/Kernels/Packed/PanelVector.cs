using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Something of each output of a panel, in two vectors of 256 bits.</summary>
/// <param name="low">Of outputs 0 to 7.</param>
/// <param name="high">Of outputs 8 to 15.</param>
internal readonly struct PanelVector<T>(Vector256<T> low, Vector256<T> high)
{
    public readonly Vector256<T> Low = low, High = high;
}
