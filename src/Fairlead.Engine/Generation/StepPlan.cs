using System.Runtime.InteropServices;
using Fairlead.Engine.Generation.Speculation;
using Fairlead.Engine.Kernels.Packed;

namespace Fairlead.Engine.Generation;

/// <summary>Decides which rows the next step has: one of every answer that is being written, what is guessed ahead of them, and rows of prompts.</summary>
/// <remarks>
/// A step has never more rows than <see cref="BatchLimits.StepTokens"/> and <see cref="StepPace"/> allow: a long prompt delays the others' next token by that much and no more. Prompts that are
/// read at the same time share what is left evenly.
/// </remarks>
internal sealed class StepPlan
{
    /// <summary>Rows of a step beyond one a slot that may ask for scores: a prompt whose log-probabilities are wanted is read in such pieces.</summary>
    private const int PromptScoreRows = 16;

    private readonly BatchLimits _limits;
    private readonly StepPace _pace;
    private readonly Speculator _speculator;
    private readonly StepRow[] _rows;
    private readonly List<PlannedSequence> _sequences;
    private int _count;

    public StepPlan(BatchLimits limits, StepPace pace, Speculator speculator)
    {
        (_limits, _pace, _speculator) = (limits, pace, speculator);
        _rows = new StepRow[limits.StepTokens];
        _sequences = new(limits.Slots);
    }

    /// <summary>The rows that were decided on; until the next <see cref="Make"/>.</summary>
    public ReadOnlySpan<StepRow> Rows => _rows.AsSpan(0, _count);

    /// <summary>The sequences that have rows among them, in their order; until the next <see cref="Make"/>.</summary>
    public ReadOnlySpan<PlannedSequence> Sequences => CollectionsMarshal.AsSpan(_sequences);

    /// <summary>Rows that want scores.</summary>
    public int Scores { get; private set; }

    /// <summary>Rows of answers: their last token each.</summary>
    public int Answers { get; private set; }

    /// <summary>Rows for tokens that nobody has chosen yet.</summary>
    public int Guesses { get; private set; }

    /// <summary>Most rows of any step that want scores.</summary>
    public static int MostScores(BatchLimits limits) => limits.Slots + PromptScoreRows + (limits.Guesses > 0 ? Speculator.AnswerRows : 0);

    /// <summary>Decides anew.</summary>
    /// <param name="running">Oldest first, each with room for its tokens.</param>
    public void Make(ReadOnlySpan<BatchSequence> running)
    {
        (_count, Scores) = (0, 0);
        _sequences.Clear();
        ShareRows(running);
        PlaceRows(running, Phase.Prefill); // first, for rows of one phase are computed together
        PlaceRows(running, Phase.Decode);
    }

    /// <summary>One row for each answer; the rest of the step goes to prompts, in even parts, and what short ones leave to the oldest.</summary>
    private void ShareRows(ReadOnlySpan<BatchSequence> running)
    {
        Answers = 0;
        foreach (BatchSequence sequence in running)
        {
            sequence.Take = sequence.Missing == 1 ? 1 : 0;
            Answers += sequence.Take;
        }

        Guesses = _speculator.Propose(running, Answers);
        int left = _pace.PromptRows(Answers, _limits.StepTokens - Answers - Guesses, _speculator.Seconds), leftScores = PromptScoreRows;
        int share = left / Math.Max(1, running.Length - Answers);
        for (int most = share; left > 0; most = left)
        {
            int before = left;
            foreach (BatchSequence sequence in running)
            {
                int more = Math.Min(Math.Min(sequence.Missing - sequence.Take, most), left);
                if (sequence.WantsPromptScores)
                {
                    more = Math.Min(more, leftScores);
                    leftScores -= more;
                }

                sequence.Take += more;
                left -= more;
            }

            if (left == before)
                break;
        }
    }

    private void PlaceRows(ReadOnlySpan<BatchSequence> running, Phase phase)
    {
        foreach (BatchSequence sequence in running)
        {
            if (sequence.PhaseOf(sequence.Read) == phase)
                PlaceRows(sequence);
        }
    }

    private void PlaceRows(BatchSequence sequence)
    {
        int firstScore = Scores, read = sequence.Read;
        for (int position = read; position < read + sequence.Take; position++)
        {
            bool chooses = position == sequence.Length - 1 && sequence.Request.MaxTokens > 0;
            Place(sequence, sequence.Tokens[position], position, chooses || sequence.WantsPromptScores);
        }

        for (int i = 0; i < sequence.Ahead.Count; i++)
            Place(sequence, sequence.Ahead.Tokens[i], sequence.Length + i, wantsScores: true);
        _sequences.Add(new PlannedSequence(sequence, firstScore, Scores - firstScore));
    }

    private void Place(BatchSequence sequence, int token, int position, bool wantsScores)
    {
        _rows[_count++] = new StepRow(token, sequence.Blocks, position, sequence.PhaseOf(position), wantsScores);
        Scores += wantsScores ? 1 : 0;
    }
}

/// <summary>A sequence that has rows in a step.</summary>
/// <param name="FirstScore">Of all rows of scores, the first that is its.</param>
/// <param name="Scores">How many are: those of its prompt where they are wanted, the one that chooses the next token, and one for each guess.</param>
internal readonly record struct PlannedSequence(BatchSequence Sequence, int FirstScore, int Scores);
