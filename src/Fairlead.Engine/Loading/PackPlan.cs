using System.Collections.Immutable;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Layers;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Loading;

/// <summary>One matrix that is packed.</summary>
/// <param name="From">As it is stored.</param>
/// <param name="Type">The type whose values the packed form holds: the stored one, or what it is quantised to.</param>
/// <param name="Format">The form.</param>
/// <param name="Offset">Bytes from the beginning of all packed matrices; a multiple of 64.</param>
internal readonly record struct PackedPart(LinearWeights From, ElementType Type, PackedFormat Format, long Offset)
{
    /// <summary>Bytes of the packed form.</summary>
    public long Bytes => PackedLayout.BytesFor(Format, From.Outputs, From.Inputs);
}

/// <summary>What becomes of a model's tensors when it is loaded: which are packed, in which form and in which order, and which are read where they lie. Nothing is read yet.</summary>
internal sealed class PackPlan
{
    private readonly WeightTally _tally;

    private PackPlan(string file, WeightTally tally, KernelFamily family, ElementType? quantize, ImmutableArray<PackedPart> parts, ImmutableArray<TensorView> inPlace, int notQuantized)
    {
        (File, _tally, Family, Quantize, Parts, InPlace, NotQuantized) = (file, tally, family, quantize, parts, inPlace, notQuantized);
        PackedBytes = parts.Sum(static part => part.Bytes);
    }

    /// <summary>The checkpoint, named where it cannot be read.</summary>
    public string File { get; }

    /// <summary>The kernels that it is for.</summary>
    public KernelFamily Family { get; }

    /// <summary>What matrices of floating-point numbers become; null: nothing else.</summary>
    public ElementType? Quantize { get; }

    /// <summary>The matrices that are packed.</summary>
    public ImmutableArray<PackedPart> Parts { get; }

    /// <summary>Tables, and matrices without a packed form.</summary>
    public ImmutableArray<TensorView> InPlace { get; }

    /// <summary>Matrices that should be quantised and have inputs that are no whole number of blocks: they are packed as they are stored.</summary>
    public int NotQuantized { get; }

    /// <summary>Whether a row gives different bits as part of a prompt and of an answer.</summary>
    public bool DependsOnPhase => Parts.Any(static part => PackedMatMul.DependsOnPhase(part.Format));

    /// <summary>Whether rows are made ready in a room before they are multiplied, of which there is one (<see cref="PackedWeights"/>); otherwise several threads may multiply rows of their own at the same time.</summary>
    public bool TakesRoom => Parts.Any(static part => PackedMatMul.TakesRoom(part.Format));

    /// <summary>Bytes of the packed forms.</summary>
    public long PackedBytes { get; }

    /// <summary>
    /// The most that the weights take while they are packed and afterwards: what is read in place, all packed forms, copies, tensors in another order than the
    /// file's, and the pages of one matrix that is being packed.
    /// </summary>
    public long PeakBytes => InPlace.Sum(BytesOf) + PackedBytes + _tally.CopiedBytes + _tally.RestoredBytes + Parts.Select(static part => BytesOf(part.From.Weight)).DefaultIfEmpty().Max();

    /// <summary>Bytes that a load reads.</summary>
    public long LoadBytes => InPlace.Sum(BytesOf) + Parts.Sum(static part => BytesOf(part.From.Weight));

    /// <summary>Plans for the kernels of <paramref name="family"/>.</summary>
    /// <param name="file">Named in refusals.</param>
    /// <param name="quantize">What matrices of floating-point numbers become, but for routers; null: nothing.</param>
    /// <exception cref="ModelFileException">They are to be quantised and are already.</exception>
    public static PackPlan Make(string file, WeightTally tally, KernelFamily family, ElementType? quantize)
    {
        QuantizeTarget.Check(quantize);
        var parts = ImmutableArray.CreateBuilder<PackedPart>();
        var inPlace = ImmutableArray.CreateBuilder<TensorView>();
        inPlace.AddRange(tally.Tables);
        int notQuantized = 0;
        long offset = 0;
        foreach (LinearWeights matrix in tally.Matrices)
        {
            ElementType type = matrix.Weight.Type;
            if (quantize is { } target && !tally.IsRouter(matrix))
            {
                if (!IsPlain(type))
                    throw new ModelFileException(file, null, $"its weights are quantised already ({type}), and quantising them again would only lose more; leave the quantising out, or take the model's F16, BF16 or F32 file");
                if (matrix.Inputs % BlockLayout.Of(target).Values == 0)
                    type = target;
                else
                    notQuantized++;
            }

            if (PackedLayout.FormatFor(type, matrix.Inputs, family) is not { } format)
            {
                if (!tally.IsTable(matrix))
                    inPlace.Add(matrix.Weight);
                continue;
            }

            var part = new PackedPart(matrix, type, format, offset);
            parts.Add(part);
            offset = checked(offset + part.Bytes);
        }

        return new PackPlan(file, tally, family, quantize, parts.ToImmutable(), inPlace.ToImmutable(), notQuantized);
    }

    /// <summary>Whether the matrix of <paramref name="part"/> is read no more when it is packed.</summary>
    public bool IsDone(in PackedPart part) => !_tally.IsTable(part.From);

    /// <summary>Bytes of a stored tensor.</summary>
    public static long BytesOf(TensorView tensor) => tensor.Rows * tensor.RowBytes;

    /// <summary>Whether it is a type of floating-point numbers, which may be quantised.</summary>
    public static bool IsPlain(ElementType type) => type is ElementType.F32 or ElementType.F16 or ElementType.BF16;
}
