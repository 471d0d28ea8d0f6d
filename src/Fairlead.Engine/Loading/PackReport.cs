using System.Globalization;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Loading;

/// <summary>How a model's matrices have been made ready to multiply.</summary>
/// <param name="Family">The kernels that they are packed for.</param>
/// <param name="Types">The types whose values the packed forms hold, and how many matrices of each there are.</param>
/// <param name="Bytes">Of the packed forms.</param>
/// <param name="Quantized">What floating-point matrices were quantised to; null: to nothing.</param>
/// <param name="NotQuantized">Those that stayed as they are stored, for their inputs are no whole number of blocks.</param>
/// <param name="Took">Reading, and packing where that was done.</param>
public sealed record PackReport(KernelFamily Family, IReadOnlyList<(ElementType Type, int Matrices)> Types, long Bytes, ElementType? Quantized, int NotQuantized, TimeSpan Took)
{
    /// <summary>Whether they were read as an earlier load had packed them.</summary>
    public bool IsRead { get; init; }

    /// <summary>Whether products may come from tiles, whose bits are other ones than those of all other families.</summary>
    public bool UsesTiles => Family == KernelFamily.Amx;

    /// <summary>One line for a log.</summary>
    public override string ToString()
    {
        string types = Types.Count == 0 ? "no matrices" : string.Join(", ", Types.Select(static one => $"{one.Matrices} matrices of {one.Type}"));
        string quantised = Quantized is { } target ? $", quantised to {target}{(IsRead ? "" : " while loading")}" : "";
        string stayed = Quantized is { } wanted && NotQuantized > 0
            ? $"; {NotQuantized} stayed as they are stored, for their inputs are no multiple of the {BlockLayout.Of(wanted).Values} of a block of {wanted}"
            : "";
        return string.Create(CultureInfo.InvariantCulture,
            $"Kernels {Family}, of {string.Join(", ", KernelChoice.Available)}; {(IsRead ? "read from a pack" : "packed")} {types}{quantised}: {Bytes / 1048576.0:0.0} MiB in {Took.TotalMilliseconds:0} ms{stayed}");
    }

    internal static PackReport Of(PackPlan plan, TimeSpan took) => new(
        plan.Family,
        [.. plan.Parts.GroupBy(static part => part.Type).Select(static group => (group.Key, group.Count()))],
        plan.PackedBytes,
        plan.Quantize,
        plan.NotQuantized,
        took);
}
