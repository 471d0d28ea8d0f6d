using System.Numerics;

namespace Fairlead.Engine.Generation;

/// <summary>Which tokens stand in a prompt and its answer, and how often in the answer: what the penalties ask.</summary>
/// <remarks>Open addressing over two flat arrays that are made once, as large as the longest answer needs: counting a token allocates nothing.</remarks>
internal sealed class TokenCounts
{
    private readonly int[] _places; // 1 + index into the two arrays below; 0 is empty
    private readonly int[] _tokens;
    private readonly int[] _inAnswer;

    /// <summary>Room for <paramref name="most"/> different tokens.</summary>
    public TokenCounts(int most)
    {
        _places = new int[BitOperations.RoundUpToPowerOf2((uint)Math.Max(4, most * 2))];
        _tokens = new int[most];
        _inAnswer = new int[most];
    }

    /// <summary>Different tokens seen, in the order of their first appearance.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, Count);

    /// <summary>How often each of <see cref="Tokens"/> stands in the answer.</summary>
    public ReadOnlySpan<int> InAnswer => _inAnswer.AsSpan(0, Count);

    private int Count { get; set; }

    /// <summary>One more appearance, in the prompt or in the answer.</summary>
    public void Add(int token, bool inAnswer)
    {
        int mask = _places.Length - 1;
        int place = (int)((uint)token * 2654435769u) & mask; // Knuth's multiplicative hash
        while (_places[place] is > 0 and int index)
        {
            if (_tokens[index - 1] == token)
            {
                if (inAnswer)
                    _inAnswer[index - 1]++;
                return;
            }

            place = (place + 1) & mask;
        }

        _tokens[Count] = token;
        _inAnswer[Count] = inAnswer ? 1 : 0;
        _places[place] = ++Count;
    }
}
