using System.Runtime.InteropServices;

namespace Fairlead.Engine.Generation;

/// <summary>Token ids to text, one after the other, as one answer needs it.</summary>
/// <param name="Append">The whole characters that this token completes; "" where there are none yet.</param>
/// <param name="Flush">What is left of an unfinished character.</param>
internal sealed record AnswerDecoder(Func<int, string> Append, Func<string> Flush);

/// <summary>The text of one choice: which characters may be given away, and which tokens they came from.</summary>
/// <param name="eager">Tokens are worth a piece of their own although they have no text yet: somebody wants their log-probabilities.</param>
internal sealed class AnswerText(int choice, AnswerDecoder decoder, StopRule stop, bool eager)
{
    private readonly List<(AnswerToken Token, int Start, int End)> _pending = [];
    private int _decoded;
    private int _released;

    /// <summary>The stop string that ended the answer.</summary>
    public string? Stop => stop.Met;

    /// <summary>The next token; null where nothing can be given away yet.</summary>
    public GenerationEvent.Piece? Append(AnswerToken token)
    {
        string text = decoder.Append(token.Id);
        _pending.Add((token, _decoded, _decoded + text.Length));
        _decoded += text.Length;
        return Release(stop.Append(text));
    }

    /// <summary>The answer ends here: whatever was held back, unless a stop string ended it.</summary>
    public GenerationEvent.Piece? Rest()
    {
        if (stop.Met is not null)
            return null;
        string last = stop.Append(decoder.Flush());
        return Release(last + stop.Rest(), all: stop.Met is null);
    }

    private GenerationEvent.Piece? Release(string text, bool all = false)
    {
        _released += text.Length;
        int count = 0;
        while (count < _pending.Count && (all || _pending[count].Start < _released || _pending[count].End <= _released))
            count++;
        if (text.Length == 0 && (count == 0 || !(eager || all)))
            return null;
        var tokens = new AnswerToken[count];
        for (int i = 0; i < count; i++)
            tokens[i] = _pending[i].Token;
        _pending.RemoveRange(0, count);
        return new GenerationEvent.Piece(choice, text, ImmutableCollectionsMarshal.AsImmutableArray(tokens));
    }
}
