namespace Fairlead.Engine.Kernels.Machine;

/// <summary>What <see cref="IntegerBlockKernel"/> reads: some groups of a few panels, and blocks of rows. Its fields lie as the machine code has them.</summary>
internal unsafe struct IntegerBlockTask
{
    /// <summary>The first panel's values as unsigned bytes, for each 32 inputs eight rows of 64; those of the next panel are <see cref="IntegerBlockKernel.PanelValueBytes"/> further.</summary>
    public byte* Values;

    /// <summary>The first panel's scales, as <see cref="Packed.PanelScales"/> expands them; those of the next panel are <see cref="IntegerBlockKernel.PanelScaleBytes"/> further.</summary>
    public float* Scales;

    /// <summary>The same inputs of the first block of rows, see <see cref="Packed.RowBlocks"/>.</summary>
    public byte* Rows;

    /// <summary>Bytes from the last of these inputs to the first ones of the next block.</summary>
    public long RowsSkip;

    /// <summary>For the first row and each panel 16 singles that the products are added to.</summary>
    public float* Before;

    /// <summary>Bytes from one row's to the next's; 0 where all begin alike.</summary>
    public long BeforeStride;

    /// <summary>Where the sums of the first row go.</summary>
    public float* Sums;

    /// <summary>Bytes from one row's to the next's.</summary>
    public long SumsStride;

    /// <summary>For each panel, what will be read next of it: asked for, a line for each group of each block.</summary>
    public fixed long Next[IntegerBlockKernel.MostPanels];

    /// <summary>Bytes from the line that is asked for to the next: a line's, or 0 where all is on its way.</summary>
    public long NextStep;

    /// <summary>Groups of 32 inputs, 1 to <see cref="IntegerBlockKernel.MostGroups"/>.</summary>
    public long Groups;

    /// <summary>Blocks of rows: ≥ 1.</summary>
    public long Blocks;
}
