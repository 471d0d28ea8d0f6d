using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>A matrix that rows are multiplied with, where the products go, and what follows on each of them by itself: a bias is added, then a function is applied.</summary>
/// <param name="weight">The matrix.</param>
/// <param name="output"><c>[rows × outputs]</c>.</param>
/// <param name="bias"><c>[outputs]</c>; null: none.</param>
/// <param name="activation">Null: none.</param>
internal readonly unsafe struct RowProduct(PackedMatrix weight, float* output, float* bias = null, Activation? activation = null) : IRowWork
{
    /// <summary>The matrix.</summary>
    public PackedMatrix Weight => weight;

    /// <summary>Where the products go.</summary>
    public float* Output => output;

    /// <summary>Whether anything follows.</summary>
    public bool HasMore => bias is not null || activation is not null;

    /// <summary>The same product of the rows from <paramref name="row"/> on.</summary>
    public RowProduct From(long row) => new(weight, output + (row * weight.Outputs), bias, activation);

    /// <summary>Does what follows, to all outputs of some rows.</summary>
    public void Do(int first, int end) => Finish(first, end, 0, weight.Outputs);

    /// <summary>Does what follows, to outputs <paramref name="first"/> to <paramref name="end"/> − 1 of some rows. The bits are those of any other cutting: each output is by itself.</summary>
    public void Finish(int firstRow, int endRow, int first, int end)
    {
        for (long row = firstRow; row < endRow && HasMore; row++)
        {
            float* some = output + (row * weight.Outputs) + first;
            if (bias is not null)
                Elementwise.Add(some, bias + first, end - first);
            if (activation is { } function)
                Activations.Apply(function, some, end - first);
        }
    }
}
