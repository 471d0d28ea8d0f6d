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
            PackIntegers(from, to, firstPanel, endPanel);
    }

    private static void PackIntegers(in TensorView from, in PackedMatrix to, int firstPanel, int endPanel)
    {
        if (PackedLayout.FormatFor(from.Type, from.Columns, KernelFamily.Scalar) != to.Format)
            throw new ArgumentException($"{from} cannot be packed as {to.Format}", nameof(from));
        for (int output = firstPanel * PackedLayout.PanelOutputs; output < Math.Min(endPanel * PackedLayout.PanelOutputs, to.Outputs); output++)
        {
            byte* panel = to.Panel(output / PackedLayout.PanelOutputs);
            IntegerPacker.Output(to.Format, from.Data + (output * from.RowBytes), to.Inputs, panel, output % PackedLayout.PanelOutputs);
        }
    }
}
