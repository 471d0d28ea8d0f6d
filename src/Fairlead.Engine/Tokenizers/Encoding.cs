namespace Fairlead.Engine.Tokenizers;

/// <summary>A text, or a pair of texts, as tokens. The three arrays are as long as each other and belong to the caller.</summary>
public sealed class Encoding
{
    internal Encoding(int[] ids, (int Start, int End)[] offsets, int[] typeIds)
    {
        Ids = ids;
        Offsets = offsets;
        TypeIds = typeIds;
    }

    /// <summary>Numbers of the tokens.</summary>
    public int[] Ids { get; }

    /// <summary>
    /// The part of its text that each token came from, in characters (code points, as Hugging Face counts) from the text's beginning, end
    /// exclusive. (0, 0) for a token that was added around the text. Byte tokens of one character all name the whole character.
    /// </summary>
    public (int Start, int End)[] Offsets { get; }

    /// <summary>Which segment a model is to take each token for: 0 or 1, as the tokenizer's file says.</summary>
    public int[] TypeIds { get; }
}
