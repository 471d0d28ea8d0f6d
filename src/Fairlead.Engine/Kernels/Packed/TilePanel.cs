using Fairlead.Engine.Kernels.Machine;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>An expanded panel times rows, by tiles.</summary>
internal static unsafe class TilePanel
{
    /// <summary>Whether a matrix has groups enough.</summary>
    public static bool Takes(int inputs, bool halfGroups) => GroupsOf(inputs, halfGroups) >= IntegerTileKernel.FewestGroups;

    /// <summary>Rows <paramref name="first"/> to <paramref name="end"/> − 1; <paramref name="first"/> is a multiple of 16.</summary>
    public static void Multiply(in PanelTask task, int first, int end)
    {
        byte* memory = stackalloc byte[IntegerTileKernel.ScratchBytes + 64 + 64];
        byte* scratch = (byte*)(((nuint)memory + 63) & ~(nuint)63), configuration = scratch + IntegerTileKernel.ScratchBytes;
        int groups = GroupsOf(task.Inputs, task.HalfGroups);
        int whole = (end - first) / IntegerTileKernel.MostRows * IntegerTileKernel.MostRows;
        if (whole > 0)
            Run(task, first, IntegerTileKernel.MostRows, whole / IntegerTileKernel.MostRows);
        if (first + whole < end)
            Run(task, first + whole, end - first - whole, 1);

        void Run(in PanelTask panel, int row, int rows, int blocks)
        {
            IntegerTileKernel.Configure(configuration, rows, panel.HalfGroups);
            int stride = QuantizedRows.StrideOf(panel.Inputs);
            var call = new IntegerTask
            {
                Weights = (sbyte*)panel.Values,
                Scales = panel.Scales,
                Inputs = panel.Rows.Values + ((long)row * stride),
                InputStride = stride,
                InputScales = panel.Rows.ScalesOfRow(row, panel.Inputs),
                InputScalesStride = panel.Inputs / 32 * QuantizedRows.BlockScales * sizeof(float),
                Output = panel.Output + (row * panel.OutputStride),
                OutputStride = panel.OutputStride * sizeof(float),
                Scratch = scratch,
                Configuration = configuration,
                Blocks = blocks,
                Turns = IntegerTileKernel.TurnsFor(groups),
            };
            IntegerTileKernel.For(rows, groups, panel.HalfGroups, panel.HasMinimums)(&call);
        }
    }

    private static int GroupsOf(int inputs, bool halfGroups) => inputs / (halfGroups ? 16 : 32);
}
