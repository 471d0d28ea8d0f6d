using System.Runtime.InteropServices;
using Fairlead.Engine.Generation.Speculation;
using Fairlead.Engine.Kernels.Packed;

namespace Fairlead.Engine.Generation;

/// <summary>Decides which rows the answers have in the next step: the last token of each that is being written, and what is guessed ahead of it.</summary>
/// <remarks>Prompts are read beside them, in a <see cref="PromptPass"/>.</remarks>
internal sealed class StepPlan(BatchLimits limits, Speculator speculator, bool dependsOnPhase)
{
    private readonly StepRow[] _rows = new StepRow[limits.StepTokens];
    private readonly List<PlannedSequence> _sequences = new(limits.Slots);
    private int _count;

    /// <summary>The rows that were decided on, each of which wants scores; until the next <see cref="Make"/>.</summary>
    public ReadOnlySpan<StepRow> Rows => _rows.AsSpan(0, _count);

    /// <summary>The sequences that have rows among them, in their order; until the next <see cref="Make"/>.</summary>
    public ReadOnlySpan<PlannedSequence> Sequences => CollectionsMarshal.AsSpan(_sequences);

    /// <summary>Rows of answers: their last token each.</summary>
    public int Answers { get; private set; }

    /// <summary>Most rows that want scores at once, of answers or of prompts.</summary>
    public static int MostScores(BatchLimits limits) => limits.Slots + Math.Max(PromptPass.MostScores, limits.Guesses > 0 ? Speculator.AnswerRows : 0);

    /// <summary>Decides anew.</summary>
    /// <param name="running">Oldest first, each with room for its tokens.</param>
    public void Make(ReadOnlySpan<BatchSequence> running)
    {
        (_count, Answers) = (0, 0);
        _sequences.Clear();
        foreach (BatchSequence sequence in running)
        {
            sequence.IsAnswering = sequence.MayAnswer(dependsOnPhase);
            Answers += sequence.IsAnswering ? 1 : 0;
        }

        speculator.Propose(running, Answers);
        foreach (BatchSequence sequence in running)
        {
            if (sequence.IsAnswering)
                Place(sequence);
        }
    }

    private void Place(BatchSequence sequence)
    {
        int first = _count;
        _rows[_count++] = new StepRow(sequence.Tokens[sequence.Read], sequence.Blocks, sequence.Read, sequence.PhaseOf(sequence.Read), WantsLogits: true);
        for (int i = 0; i < sequence.Ahead.Count; i++)
            _rows[_count++] = new StepRow(sequence.Ahead.Tokens[i], sequence.Blocks, sequence.Length + i, Phase.Decode, WantsLogits: true);
        _sequences.Add(new PlannedSequence(sequence, Rows: 1, first, _count - first));
    }
}

/// <summary>A sequence that has rows in a step, or on their way through the layers.</summary>
/// <param name="Rows">Tokens of the text that are read by it.</param>
/// <param name="FirstScore">Of all rows of scores of its kind, the first that is its.</param>
/// <param name="Scores">How many are: those of its prompt where they are wanted, the one that chooses the next token, and one for each guess.</param>
internal readonly record struct PlannedSequence(BatchSequence Sequence, int Rows, int FirstScore, int Scores);
