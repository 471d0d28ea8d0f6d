namespace Fairlead.Engine.Generation.Speculation;

/// <summary>How many tokens a draft guesses ahead of one text: as many as save most time, by how often its guesses came true and by what they cost.</summary>
/// <remarks>
/// Where a token comes true with probability a, a step with k guesses gives 1 + a + … + a^k tokens (Leviathan, Kalman and Matias 2023), and takes as much longer as <see cref="DraftCosts"/> say. Where no
/// k is worth it the draft pauses, longer each time, and then tries one token. Neither happens that could not be paid for.
/// </remarks>
internal struct DraftPace
{
    /// <summary>What is known of a text counts so much less with every step that is judged: some seven steps are remembered.</summary>
    private const double Memory = 0.85;

    /// <summary>Before anything is known of any text a guess is taken to come true so often: a draft is to be tried.</summary>
    public const double FirstChance = 0.8;

    private const int LongestPause = 64;

    private double _right;
    private double _judged; // 0 until the first is asked for; what is known beforehand counts as one
    private int _pause;
    private int _pauses;
    private bool _tries; // from the end of a pause until what was tried is judged

    /// <summary>Whether this step belongs to a pause. Asked once a step, and <see cref="Next"/> only where it does not.</summary>
    public bool Rests() => _pause > 0 && _pause-- > 0;

    /// <summary>Tokens to guess in the next step; 0 where none is worth it, or affordable.</summary>
    /// <param name="costs">Of this step.</param>
    /// <param name="ahead">Tokens that the text is expected to go on for.</param>
    /// <param name="credit">Steps that may be lost.</param>
    /// <param name="first">How often a guess comes true, where nothing is known of this text yet.</param>
    public int Next(in DraftCosts costs, int ahead, double credit, double first = FirstChance)
    {
        if (_judged == 0)
            (_right, _judged) = (first, 1);
        int best = Best(costs, _right / _judged, ahead);
        if (best > 0)
            (_pauses, _tries) = (0, false);
        else if (_tries)
            best = 1;
        if (best == 0)
        {
            // It is looked at again after the pause: the text may have become one that is easier to guess.
            _pauses = Math.Min(_pauses + 1, 6);
            _pause = Math.Min(LongestPause, 1 << _pauses) - 1;
            _tries = true;
            return 0;
        }

        while (best > 0 && costs.Due(best) > credit)
            best--;
        return best;
    }

    /// <summary>Of <paramref name="proposed"/> tokens, at least one, the first so many came true. What stands behind the first that did not is not judged.</summary>
    public void Came(int proposed, int right)
    {
        _tries = false;
        _right = (_right * Memory) + right;
        _judged = (_judged * Memory) + right + (right < proposed ? 1 : 0);
    }

    private static int Best(in DraftCosts costs, double chance, int ahead)
    {
        int best = 0;
        double fastest = 1, more = 0, all = 1, saved = 0;
        for (int guesses = 1; guesses <= costs.Most; guesses++)
        {
            all *= chance;
            more += all;
            double speed = costs.Speed(guesses, more);
            if (speed > fastest)
                (fastest, best, saved) = (speed, guesses, costs.Saved(guesses, more) * ahead / (1 + more));
        }

        return saved > costs.Reading ? best : 0;
    }
}
