using System.Runtime.InteropServices;
using Fairlead.Engine.Kernels.Packed;

namespace Fairlead.Engine.Generation;

/// <summary>Rows of prompts on their way through a model's layers: some layers in each step, beside answers that go through all of them.</summary>
/// <remarks>
/// Reading the weights and making them ready costs as much for few rows as for many. So it is not the rows that are cut until they fit into a step, but their way: a pass has many rows, and a step
/// takes them as far as it has time for (<see cref="StepPace"/>). A sequence counts its rows as read when they are through. Prompts that are read at the same time share a pass evenly, and what
/// short ones leave of it goes to the oldest; who comes later waits for the next pass. Used by the batch loop's thread only.
/// </remarks>
internal sealed class PromptPass(BatchModel model, KvCache cache, BatchLimits limits)
{
    /// <summary>Rows of a pass that may ask for scores beyond one a slot: a prompt whose log-probabilities are wanted is read in such pieces.</summary>
    public const int MostScores = 16;

    private readonly IModelPass _pass = model.Pass;
    private readonly StepRow[] _rows = new StepRow[limits.StepTokens];
    private readonly List<PlannedSequence> _sequences = new(limits.Slots);
    private int _count;
    private int _layer;

    /// <summary>Layers of the model.</summary>
    public int Layers => _pass.Layers;

    /// <summary>Rows on their way; 0: none are.</summary>
    public int Rows => _count;

    /// <summary>Of these, how many want scores.</summary>
    public int Scores { get; private set; }

    /// <summary>Whether the rows have gone through all layers.</summary>
    public bool IsThrough => _layer == _pass.Layers;

    /// <summary>The sequences whose rows these are, in their order; until the next <see cref="Begin"/>.</summary>
    public ReadOnlySpan<PlannedSequence> Sequences => CollectionsMarshal.AsSpan(_sequences);

    /// <summary>Decides which rows go next; none where nobody has anything to read.</summary>
    /// <param name="running">Oldest first, each with room for its tokens. Who may answer has nothing to read.</param>
    /// <param name="most">Rows that a pass may have.</param>
    public void Begin(ReadOnlySpan<BatchSequence> running, int most)
    {
        (_count, _layer, Scores) = (0, 0, 0);
        _sequences.Clear();
        int readers = 0;
        Phase phase = default;
        foreach (BatchSequence sequence in running)
        {
            if (sequence.MayAnswer(model.DependsOnPhase))
                continue;
            if (readers == 0)
                phase = sequence.PhaseOf(sequence.Read); // rows of one phase are computed together: the oldest decides
            readers += sequence.PhaseOf(sequence.Read) == phase ? 1 : 0;
        }

        if (readers == 0)
            return;
        Share(running, phase, most, readers);
        foreach (BatchSequence sequence in running)
            Place(sequence);
        _pass.Begin(_rows.AsSpan(0, _count), cache);
    }

    /// <summary>Takes out the rows of those that have left: their blocks may be another's by now.</summary>
    public void Forget()
    {
        if (_count == 0)
            return;
        int first = 0, kept = 0, scores = 0;
        foreach (PlannedSequence planned in Sequences)
        {
            if (planned.Sequence.UnderWay == 0)
            {
                _pass.Remove(first, planned.Rows, _count);
                _rows.AsSpan((first + planned.Rows).._count).CopyTo(_rows.AsSpan(first));
                _count -= planned.Rows;
                continue;
            }

            _sequences[kept++] = planned with { FirstScore = scores };
            first += planned.Rows;
            scores += planned.Scores;
        }

        _sequences.RemoveRange(kept, _sequences.Count - kept);
        Scores = scores;
    }

    /// <summary>To be called in each step before the first <see cref="Advance"/>.</summary>
    public void Resume() => _pass.Resume(_rows.AsSpan(0, _count));

    /// <summary>Takes the rows through one layer more.</summary>
    public void Advance() => _pass.Advance(_layer++, _rows.AsSpan(0, _count), cache);

    /// <summary>Writes the scores that rows want, where they are <see cref="IsThrough"/>; they are under way no more.</summary>
    /// <param name="logits"><c>[<see cref="Scores"/> × vocabulary]</c></param>
    public void Complete(Span<float> logits)
    {
        _pass.Score(_rows.AsSpan(0, _count), logits);
        _count = 0;
        foreach (PlannedSequence planned in Sequences)
            planned.Sequence.UnderWay = 0;
    }

    private void Share(ReadOnlySpan<BatchSequence> running, Phase phase, int most, int readers)
    {
        int left = most, leftScores = MostScores;
        for (int share = most / readers; left > 0; share = left)
        {
            int before = left;
            foreach (BatchSequence sequence in running)
            {
                if (sequence.MayAnswer(model.DependsOnPhase) || sequence.PhaseOf(sequence.Read) != phase)
                    continue;
                int more = Math.Min(Math.Min(sequence.MissingOf(phase) - sequence.UnderWay, share), left);
                if (sequence.WantsPromptScores)
                {
                    more = Math.Min(more, leftScores);
                    leftScores -= more;
                }

                sequence.UnderWay += more;
                left -= more;
            }

            if (left == before)
                break;
        }
    }

    private void Place(BatchSequence sequence)
    {
        int firstScore = Scores, read = sequence.Read;
        for (int position = read; position < read + sequence.UnderWay; position++)
        {
            bool wantsScores = sequence.WantsPromptScores || (position == sequence.Length - 1 && sequence.Request.MaxTokens > 0);
            _rows[_count++] = new StepRow(sequence.Tokens[position], sequence.Blocks, position, sequence.PhaseOf(position), wantsScores);
            Scores += wantsScores ? 1 : 0;
        }

        if (sequence.UnderWay > 0)
            _sequences.Add(new PlannedSequence(sequence, sequence.UnderWay, firstScore, Scores - firstScore));
    }
}
