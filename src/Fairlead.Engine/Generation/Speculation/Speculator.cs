using System.Runtime.InteropServices;

namespace Fairlead.Engine.Generation.Speculation;

/// <summary>Decides what is guessed ahead in a step: of which texts, by whom, and how many tokens. A guess displaces nobody: it takes free room or none.</summary>
/// <remarks>
/// The text itself is asked first, because that costs nothing (<see cref="PromptLookup"/>); where it has not gone like this before, the draft, if there is one. Whoever guessed, the guess is a
/// row of the next step and is judged in the same way, so nothing of what is decided here can change an answer.
/// </remarks>
internal sealed class Speculator : IDisposable
{
    /// <summary>Rows of a step that may belong to answers: beyond so many, guesses would take time that nobody is sure to save.</summary>
    public const int AnswerRows = 16;

    /// <summary>Where there is a draft, what a step takes without any guess is measured anew after so many steps with some.</summary>
    private const int LongestUnmeasured = 64;

    /// <summary>An answer is taken to become twice as long as it is, and so many tokens longer at least.</summary>
    private const int ShortestAhead = 32;

    /// <summary>How much a guess changes what is known of all texts, with which the next text begins.</summary>
    private const double Recent = 1.0 / 32;

    private readonly BatchLimits _limits;
    private readonly KvCache _cache;
    private readonly DraftProposer? _draft;
    private readonly List<BatchSequence> _drafted = new(AnswerRows);
    private readonly Predicate<BatchSequence> _rests;
    private readonly RowCosts _steps = new(AnswerRows);
    private DraftCredit _credit = new();
    private Step _last;
    private int _unmeasured; // steps since one without any guess
    private double _right = DraftPace.FirstChance; // of the guesses of all texts that were judged lately

    /// <param name="cache">The model's: a guess needs room in it.</param>
    /// <param name="time">What the draft is measured by.</param>
    public Speculator(BatchModel model, BatchLimits limits, KvCache cache, TimeProvider time)
    {
        (_limits, _cache) = (limits, cache);
        _draft = model.Draft is { } draft && limits.Guesses > 0 ? new DraftProposer(draft, model.VocabularySize, limits, time) : null;
        _rests = sequence => sequence.Ahead.Rests() || _draft!.Reach(sequence) == 0;
    }

    /// <summary>Seconds that the last <see cref="Propose"/> has computed; 0 without a draft.</summary>
    public double Seconds => _draft?.Seconds ?? 0;

    /// <summary>Guesses how the answers go on that have a row in the next step, and says how many rows more that takes.</summary>
    /// <param name="running">Oldest first.</param>
    /// <param name="answers">How many of them have.</param>
    public int Propose(ReadOnlySpan<BatchSequence> running, int answers)
    {
        Settle();
        int most = _draft is not null && _unmeasured >= LongestUnmeasured ? 0 : Math.Min(AnswerRows, _limits.StepTokens) - answers, left = most;
        _drafted.Clear();
        foreach (BatchSequence sequence in running)
        {
            Proposal ahead = sequence.Ahead;
            ahead.LookUp(sequence.Tokens.AsSpan(0, sequence.Length), Math.Min(left, MostOf(sequence)));
            if (ahead.Count > 0 && !HasRoom(sequence, ahead.Count))
                ahead.Count = 0;
            else if (ahead.Count == 0 && _draft is not null && MostOf(sequence) > 0)
                _drafted.Add(sequence);
            left -= ahead.Count;
        }

        if (_draft is null)
            return most - left;
        int found = most - left;
        Want(left, answers, found);
        _draft.Propose(_drafted);
        foreach (BatchSequence sequence in _drafted)
            left -= sequence.Ahead.Count;
        _last = new Step(answers, answers + found, most - left - found, _draft.SecondsCharged);
        return most - left;
    }

    /// <summary>The first <paramref name="right"/> tokens that were guessed came true, and the next did not.</summary>
    /// <param name="length">Tokens of the text when they were guessed.</param>
    public void Judged(Proposal proposal, int length, int right)
    {
        proposal.Judged(length, right);
        if (!proposal.IsDrafted)
            return;
        _last.Right += right;
        for (int guess = 0; guess < Math.Min(right + 1, proposal.Count); guess++)
            _right += ((guess < right ? 1 : 0) - _right) * Recent;
    }

    /// <summary>A step of answers and guesses alone was computed in so many seconds, the guessing not among them.</summary>
    public void Stepped(int rows, double seconds)
    {
        if (_draft is null || rows > AnswerRows)
            return;
        _steps.Learn(rows, Math.Max(0, seconds)); // a difference of two measurements
        _unmeasured = rows > _last.Answers ? _unmeasured + 1 : 0;
    }

    /// <summary>The text gives its slot back.</summary>
    public void Leave(BatchSequence sequence) => _draft?.Forget(sequence.Ahead.Draft);

    /// <inheritdoc/>
    public void Dispose() => _draft?.Dispose();

    /// <summary>Has the draft pay for the last step, and be paid for what it has saved.</summary>
    private void Settle()
    {
        if (_last.Answers > 0)
        {
            double step = _steps.Of(_last.Answers), lost = 0;
            if (step > 0)
                lost = (_last.Seconds + Math.Max(0, _steps.Of(_last.Rows + _last.Guessed) - _steps.Of(_last.Rows))) / step;

            _credit.Stepped(lost - ((double)_last.Right / _last.Answers));
        }

        _last = default;
    }

    /// <summary>Shares the rows that are left among the texts that the draft is to guess, evenly, and leaves those texts out for which it is not worth it.</summary>
    /// <param name="found">Rows for what was found in texts themselves.</param>
    private void Want(int left, int answers, int found)
    {
        // What steps take is measured before a draft is asked: without it nobody could tell what that loses.
        if (left <= 0 || _steps.Measured < 2)
        {
            _drafted.Clear();
            return;
        }

        _drafted.RemoveAll(_rests);
        int texts = _drafted.Count, share = Math.Min(_limits.Guesses, left / Math.Max(1, texts)), wanted = 0;
        if (share == 0)
            _drafted.Clear();
        double step = _steps.Of(answers), credit = _credit.Left;
        Span<double> guessing = stackalloc double[share];
        for (int guesses = 1; guesses <= share; guesses++)
            guessing[guesses - 1] = InSteps(Math.Max(0, _steps.Of(answers + found + (guesses * texts)) - _steps.Of(answers + found)) + (guesses * _draft!.SecondsOfPass(texts)));
        for (int i = 0; i < _drafted.Count; i++)
        {
            BatchSequence sequence = _drafted[i];
            if (!_draft!.TryFollow(sequence, CollectionsMarshal.AsSpan(_drafted)[..wanted]))
                continue;
            int most = Math.Min(Math.Min(share, MostOf(sequence)), _draft.Reach(sequence));
            var costs = new DraftCosts(guessing[..(_draft.IsKnown ? most : Math.Min(most, 1))], texts, answers, InSteps(_draft.SecondsToRead(sequence)), InSteps(_draft.SecondsOfPiece(sequence)));
            int ahead = Math.Min(sequence.Request.MaxTokens - sequence.Chosen, Math.Max(sequence.Chosen, ShortestAhead));
            if (!sequence.Ahead.TryWant(costs, ahead, credit, _right) || !HasRoom(sequence, sequence.Ahead.Wanted))
                continue;
            credit -= costs.Due(sequence.Ahead.Wanted);
            _drafted[wanted++] = sequence;
            if (!_draft.IsKnown)
                break; // one text is enough to see what a pass takes
        }

        _drafted.RemoveRange(wanted, _drafted.Count - wanted);

        double InSteps(double seconds) => step > 0 ? seconds / step : 0;
    }

    /// <summary>Tokens that are worth guessing: the last one of an answer is chosen by the row before it.</summary>
    private int MostOf(BatchSequence sequence) =>
        sequence.IsAnswering ? Math.Min(_limits.Guesses, sequence.Request.MaxTokens - sequence.Chosen - 1) : 0;

    private bool HasRoom(BatchSequence sequence, int guesses) => sequence.Blocks.TryReserve(_cache, sequence.Length + guesses);

    /// <summary>A step that is being computed, as far as a draft has to account for it.</summary>
    /// <param name="Answers">Answers that have a row in it.</param>
    /// <param name="Rows">Its rows without those for what the draft has guessed.</param>
    /// <param name="Guessed">Those.</param>
    /// <param name="Seconds">That the draft has to pay for having computed.</param>
    private record struct Step(int Answers, int Rows, int Guessed, double Seconds)
    {
        /// <summary>Tokens that the draft has guessed and that came true.</summary>
        public int Right { get; set; }
    }
}
