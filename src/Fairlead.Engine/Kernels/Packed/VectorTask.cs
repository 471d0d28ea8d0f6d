namespace Fairlead.Engine.Kernels.Packed;

/// <summary>A panel and the rows it is multiplied with.</summary>
/// <param name="scales">The panel's scales.</param>
/// <param name="values">Its values.</param>
/// <param name="inputs">Inputs of the matrix.</param>
/// <param name="rows">The rows of activations.</param>
/// <param name="output">Where row 0's first output goes.</param>
/// <param name="outputStride">Singles from one row of outputs to the next.</param>
internal readonly unsafe struct VectorTask(byte* scales, byte* values, int inputs, QuantizedRows rows, float* output, long outputStride)
{
    public byte* Scales => scales;

    public byte* Values => values;

    public int Inputs => inputs;

    public QuantizedRows Rows => rows;

    public float* Output => output;

    public long OutputStride => outputStride;
}
