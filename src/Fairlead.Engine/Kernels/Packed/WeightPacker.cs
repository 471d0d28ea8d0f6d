using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Turns matrices as files store them into packed ones.</summary>
public static unsafe class WeightPacker
{
    /// <summary>Writes panels <paramref name="firstPanel"/> to <paramref name="endPanel"/> − 1 of <paramref name="from"/> into <paramref name="to"/>.</summary>
    /// <param name="from"><c>[outputs × inputs]</c>, row-major, of a type for which <see cref="PackedLayout.FormatFor"/> names the form of <paramref name="to"/>.</param>
    /// <param name="transposed">It is <c>[inputs × outputs]</c>; only matrices of plain numbers can be.</param>
    /// <param name="to">The whole matrix; other threads may write other panels of it at the same time.</param>
    public static void Pack(in TensorView from, bool transposed, in PackedMatrix to, int firstPanel, int endPanel)
    {
        if (to.Format >= PackedFormat.Single)
            FloatPacker.Pack(from, transposed, to, firstPanel, endPanel);
        else
            throw new ArgumentException($"{from} cannot be packed as {to.Format}", nameof(from));
    }
}
