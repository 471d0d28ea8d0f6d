namespace Fairlead.Engine.Kernels.Packed;

/// <summary>How a panel's values lie where a kernel reads them.</summary>
internal enum ValueForm
{
    /// <summary>Signed bytes: 512 for each 32 inputs.</summary>
    Bytes,

    /// <summary>Nibbles q that stand for q − 8: 256 bytes for each 32 inputs.</summary>
    CentredNibbles,

    /// <summary>Nibbles q that stand for q.</summary>
    Nibbles,
}

/// <summary>One panel, with its scales expanded, and the activations it is multiplied with.</summary>
internal readonly unsafe struct PanelTask
{
    /// <summary>The panel's values.</summary>
    public required byte* Values { get; init; }

    /// <summary>How they lie.</summary>
    public required ValueForm Form { get; init; }

    /// <summary>For each group 16 scales, and 16 minimums behind them where there are some.</summary>
    public required float* Scales { get; init; }

    /// <summary>Whether there are.</summary>
    public required bool HasMinimums { get; init; }

    /// <summary>A group is 16 inputs, not 32; only with <see cref="ValueForm.Bytes"/> and without minimums.</summary>
    public required bool HalfGroups { get; init; }

    /// <summary>Inputs of the matrix.</summary>
    public required int Inputs { get; init; }

    /// <summary>The rows of activations.</summary>
    public required QuantizedRows Rows { get; init; }

    /// <summary>Where row 0's first output goes.</summary>
    public required float* Output { get; init; }

    /// <summary>Singles from one row of outputs to the next.</summary>
    public required long OutputStride { get; init; }
}
