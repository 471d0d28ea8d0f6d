namespace Fairlead.Engine.Generation.Speculation;

/// <summary>How many tokens a text is guessed ahead: more where the guesses come true, and for a while none where they do not.</summary>
/// <remarks>A guess is a row more in the step, which costs time that others wait for; one that comes true saves a step.</remarks>
internal struct ProposalPace
{
    private const int First = 4;
    private const int LongestPause = 64;

    private int _length;
    private int _pause;
    private int _misses;

    /// <summary>Tokens to guess in the next step, at most <paramref name="most"/>. Asked once a step.</summary>
    public int Next(int most)
    {
        if (_pause > 0)
        {
            _pause--;
            return 0;
        }

        return Math.Min(_length == 0 ? First : _length, most);
    }

    /// <summary>Of <paramref name="proposed"/> tokens, at least one, so many came true.</summary>
    public void Came(int proposed, int accepted)
    {
        if (accepted == 0)
        {
            _misses = Math.Min(_misses + 1, 6);
            _pause = Math.Min(LongestPause, 1 << _misses);
            _length = First;
            return;
        }

        _misses = 0;
        _length = accepted == proposed ? accepted + First : accepted + 1;
    }
}
