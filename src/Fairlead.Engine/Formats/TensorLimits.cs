using System.Collections.Immutable;

namespace Fairlead.Engine.Formats;

/// <summary>How large one tensor may be: <see cref="Tensors.TensorView"/> counts rows and columns in 31 bits, and no reader hands it more.</summary>
internal static class TensorLimits
{
    /// <exception cref="ModelFileException">More than 2³¹−1 rows or columns.</exception>
    public static void Check(string file, long offset, string name, ImmutableArray<long> shape)
    {
        Int128 rows = 1;
        for (int i = 0; i < shape.Length - 1; i++)
        {
            rows *= shape[i];
            if (rows > int.MaxValue)
                break;
        }

        if (rows > int.MaxValue || (shape.Length > 0 && shape[^1] > int.MaxValue))
            throw new ModelFileException(file, offset, $"tensor {Excerpt.Of(name)} [{string.Join(" × ", shape)}] has more than {int.MaxValue} rows or columns");
    }
}
