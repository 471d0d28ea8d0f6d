namespace Fairlead.Engine.Kernels.Packed;

/// <summary>A matrix of weights in a packed form. Owns nothing: valid while the memory is that it lies in.</summary>
/// <param name="Format">The form.</param>
/// <param name="Outputs">Rows of the matrix, ≥ 1.</param>
/// <param name="Inputs">Columns of the matrix, ≥ 1.</param>
/// <param name="Data">The first panel, aligned to 64 bytes; <see cref="PackedLayout.BytesFor"/> bytes are readable.</param>
public readonly unsafe record struct PackedMatrix(PackedFormat Format, int Outputs, int Inputs, nint Data)
{
    /// <summary>Panels of 16 outputs.</summary>
    public int Panels => (Outputs + PackedLayout.PanelOutputs - 1) / PackedLayout.PanelOutputs;

    /// <summary>The first byte of panel <paramref name="index"/>.</summary>
    public byte* Panel(int index) => (byte*)Data + (index * PackedLayout.PanelBytes(Format, Inputs));
}
