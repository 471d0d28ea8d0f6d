using System.Collections.Immutable;
using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Loading;

/// <summary>What a model will need, with the draft that guesses for it where it has one, known before a single weight is read. Bytes are of resident memory and an upper bound; docs/local-models.md has the measurements.</summary>
public sealed record ModelNeed
{
    /// <summary>True for a model that makes embeddings, false for one that writes text.</summary>
    public required bool IsEncoder { get; init; }

    /// <summary>The tensors in the form in which they are kept: pages of the file, copies, decoded norms and biases; and the files' headers.</summary>
    public required long Weights { get; init; }

    /// <summary>Keys and values for the whole context of every slot, and the account of them; 0 for an encoder.</summary>
    public required long Cache { get; init; }

    /// <summary>Activations, scores, vocabulary, requests, and the process with its runtime.</summary>
    public required long Scratch { get; init; }

    /// <summary>Tokens of prompt and answer together, as it will be served; of one text for an encoder.</summary>
    public required int Context { get; init; }

    /// <summary>Tokens that the model was made for: the most that can be asked for.</summary>
    public required int LongestContext { get; init; }

    /// <summary>Answers written at once; 1 for an encoder, which computes for one request at a time.</summary>
    public required int Slots { get; init; }

    /// <summary>Whether its chat template has a way to call tools that we know.</summary>
    public required bool HasTools { get; init; }

    /// <summary>Bytes that a load reads or converts: what its progress is a share of.</summary>
    public required long LoadBytes { get; init; }

    /// <summary>The files that hold the weights: a load is of these, or is refused.</summary>
    public required ImmutableArray<FileStamp> Files { get; init; }

    /// <summary>Bytes of them.</summary>
    public long FileBytes => Files.Sum(static file => file.Length);

    /// <summary>All of it.</summary>
    public long Total => checked(Weights + Cache + Scratch);
}
