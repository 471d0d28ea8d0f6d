namespace Fairlead.Engine.Generation.Speculation;

/// <summary>How one text may go on: tokens that nobody has chosen yet. And what has to be known between two steps to guess them.</summary>
/// <param name="most">Tokens that are guessed at most.</param>
/// <param name="draft">What a draft's cache holds of the text: nothing without one.</param>
internal sealed class Proposal(int most, CachedText draft)
{
    private ProposalPace _lookupPace;
    private DraftPace _draftPace;

    /// <summary>The first <see cref="Count"/> of them are guessed.</summary>
    public int[] Tokens { get; } = new int[most];

    /// <summary>Tokens that are guessed for the step that is being planned.</summary>
    public int Count { get; set; }

    /// <summary>Whether a draft guesses them, and not the text itself.</summary>
    public bool IsDrafted { get; private set; }

    /// <summary>Tokens that the draft is to guess in this step.</summary>
    public int Wanted { get; private set; }

    /// <summary>What the draft's cache holds of the text.</summary>
    public CachedText Draft => draft;

    /// <summary>Forgets what was guessed for the step before, and guesses at most <paramref name="most"/> tokens from <paramref name="text"/> itself.</summary>
    public void LookUp(ReadOnlySpan<int> text, int most)
    {
        IsDrafted = false;
        Count = most <= 0 ? 0 : PromptLookup.Propose(text, Tokens.AsSpan(0, _lookupPace.Next(most)));
    }

    /// <summary>Whether the draft is not to be asked in this step, because it did not pay lately. To be called once a step.</summary>
    public bool Rests() => _draftPace.Rests();

    /// <summary>Has the draft guess as many tokens as are worth what they cost; false where none are. See <see cref="DraftPace.Next"/>.</summary>
    public bool TryWant(in DraftCosts costs, int ahead, double credit, double first)
    {
        Wanted = _draftPace.Next(costs, ahead, credit, first);
        IsDrafted = Wanted > 0;
        return IsDrafted;
    }

    /// <summary>The first <paramref name="right"/> tokens that were guessed came true, and the next did not.</summary>
    /// <param name="length">Tokens of the text when they were guessed.</param>
    public void Judged(int length, int right)
    {
        if (Count == 0)
            return;
        if (!IsDrafted)
        {
            _lookupPace.Came(Count, right);
            return;
        }

        _draftPace.Came(Count, right);
        draft.Read = Math.Min(draft.Read, length + right); // what it read beyond that is not the text: it will be written over
    }
}
