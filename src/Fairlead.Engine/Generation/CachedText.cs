namespace Fairlead.Engine.Generation;

/// <summary>What one cache holds of one text: the model's of what it has read, and a draft's of what that has.</summary>
/// <remarks>Used by the batch loop's thread only. Its room is given and taken by <see cref="CacheRoom"/>.</remarks>
/// <param name="text">The text.</param>
/// <param name="positions">Positions of it that are held at most.</param>
internal sealed class CachedText(BatchSequence text, int positions)
{
    /// <summary>The text.</summary>
    public BatchSequence Text => text;

    /// <summary>Where its keys and values are.</summary>
    public KvSequence Blocks { get; } = new(positions);

    /// <summary>Tokens whose keys and values are there. A draft reads what it has guessed as well, so these may be more than the text has.</summary>
    public int Read { get; set; }

    /// <summary>Of the tokens that were read, those that are the text's.</summary>
    public int ReadOfText => Math.Min(Read, text.Length);

    /// <summary>Whether it has room there.</summary>
    public bool IsPlaced => Blocks.Blocks.Count > 0;

    /// <summary>The last block that <see cref="PrefixCache"/> knows of this text, and how many it knows.</summary>
    public (int Last, int Count) Known { get; set; } = (PrefixCache.Root, 0);
}
