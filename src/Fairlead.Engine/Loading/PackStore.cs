namespace Fairlead.Engine.Loading;

/// <summary>Where packed matrices are kept from one load to the next.</summary>
/// <remarks>
/// It is a cache. Whatever is wrong with it (a damaged file, a full disk, a folder that may not be written) is one line for <see cref="Log"/>, and the model is packed from its own
/// files. What lies in it is believed as far as it agrees with these and with its checksums, which see damage and not forgery: the folder must be one in which nobody writes who may
/// not decide what this model answers.
/// </remarks>
/// <param name="Folder">An existing folder, for the packs of one model's files, and of those of its draft, and nothing else.</param>
/// <param name="Log">Gets a line about each pack that was refused, kept or not kept; from any thread.</param>
public sealed record PackStore(string Folder, Action<string> Log)
{
    /// <summary>Bytes of disk that are left free at least: others need them more than this cache does.</summary>
    public const long Margin = 2L << 30;

    /// <summary>Fewer packed bytes are not kept: packing 16 MiB takes some hundredths of a second.</summary>
    public long LeastBytes { get; init; } = 16L << 20;

    /// <summary>More are not kept, headers included: of a model, and of it and its draft together.</summary>
    public long MostBytes { get; init; } = long.MaxValue;

    /// <summary>Called by the thread that writes before each chunk, with its number; for tests, which have it fail or wait there.</summary>
    internal Action<int>? BeforeChunk { get; init; }
}
