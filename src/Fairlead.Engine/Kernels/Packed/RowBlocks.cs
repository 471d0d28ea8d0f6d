namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Rows of quantised activations (<see cref="QuantizedRows"/>) in fours, as <see cref="Machine.IntegerBlockKernel"/> reads them: one stream for each four.</summary>
/// <remarks>
/// Each 32 inputs of four rows are <see cref="GroupBytes"/>: the bytes of one row, of the next, …; four scales at <see cref="Scales"/>; four scaled sums at <see cref="Sums"/>; and, as whole
/// numbers, what unsigned weights make a sum of products too large, negative: <see cref="PanelValues.CentreOf"/> times the sum of the bytes that are multiplied together (<see cref="ExcessOf"/>).
/// </remarks>
internal readonly unsafe struct RowBlocks(byte* memory, int inputs)
{
    /// <summary>Rows of a block.</summary>
    public const int Rows = 4;

    /// <summary>Bytes of 32 inputs of a block.</summary>
    public const int GroupBytes = 192;

    /// <summary>Where the scales stand among them.</summary>
    public const int Scales = Rows * PackedLayout.GroupInputs;

    /// <summary>Where each row's scale times the sum of its 32 bytes stands.</summary>
    public const int Sums = Scales + (Rows * sizeof(float));

    private const int Excess = Sums + (Rows * sizeof(float));

    /// <summary>Bytes from a block of rows to the next.</summary>
    public long BlockBytes => BlockBytesOf(inputs);

    /// <summary>Where the excess stands among the bytes of 32 inputs: of all of them, or of the first and the second half where these are multiplied apart.</summary>
    public static int ExcessOf(int part) => Excess + (part * Rows * sizeof(int));

    /// <summary>Bytes that so many rows take.</summary>
    public static long BytesFor(int rows, int inputs) => (rows + Rows - 1L) / Rows * BlockBytesOf(inputs);

    /// <summary>The first 32 inputs of a block of rows.</summary>
    public byte* Block(int block) => memory + (block * BlockBytes);

    private static long BlockBytesOf(int inputs) => (inputs + PackedLayout.GroupInputs - 1L) / PackedLayout.GroupInputs * GroupBytes;
}
