using Fairlead.Engine.Constraints;
using Fairlead.Engine.Generation.Speculation;

namespace Fairlead.Engine.Generation;

/// <summary>Makes tokens and text of the scores of a step.</summary>
/// <remarks>Used by the batch loop's thread only. A <see cref="ConstraintException"/> or <see cref="NoTokenException"/> is of one request: the others go on.</remarks>
internal sealed class AnswerWriter(int vocabularySize, CacheRoom room, Speculator speculator, GenerationCounters counters)
{
    private readonly float[] _raw = new float[vocabularySize]; // as the model made them: choosing changes the scores
    private readonly SamplerScratch _scratch = new(vocabularySize);

    /// <summary>Bytes that it takes.</summary>
    public static long BytesFor(int vocabularySize) => ((long)vocabularySize * sizeof(float)) + SamplerScratch.BytesFor(vocabularySize);

    /// <summary>The rows of a sequence that were planned have been read: goes on with its text where all of it is read, and says how it ended if it did.</summary>
    /// <param name="scores"><c>[planned.Scores × vocabulary]</c>; overwritten.</param>
    public AnswerEnd? TakeScores(in PlannedSequence planned, Span<float> scores)
    {
        BatchSequence sequence = planned.Sequence;
        if (sequence.WantsPromptScores)
            DescribePrompt(planned, scores);
        sequence.Cached.Read += planned.Rows;
        room.KeepFull(sequence.Cached);
        if (sequence.Missing > 0)
            return null;
        BatchRequest request = sequence.Request;
        request.PromptRead = true;
        if (sequence.Sampler.Chosen == 0 && request.PromptTokens is { } echoed)
            request.Write(new GenerationEvent.Piece(sequence.Choice, sequence.PromptText, [.. echoed]));
        if (request.MaxTokens == 0)
            return new AnswerEnd(FinishReason.Length);
        return Continue(sequence, scores[^((1 + sequence.Ahead.Count) * vocabularySize)..]);
    }

    /// <summary>
    /// Chooses the next token. While it is the one that was guessed, it is read as well, and the row after it chooses
    /// the next: every token is chosen from the same scores and with the same chance as without guesses.
    /// </summary>
    /// <param name="scores"><c>[1 + guesses × vocabulary]</c></param>
    private AnswerEnd? Continue(BatchSequence sequence, Span<float> scores)
    {
        Proposal ahead = sequence.Ahead;
        int length = sequence.Length, right = 0;
        AnswerEnd? end = Choose(sequence, scores[..vocabularySize]);
        while (end is null && right < ahead.Count && sequence.Tokens[sequence.Length - 1] == ahead.Tokens[right])
        {
            right++;
            sequence.Cached.Read++;
            room.KeepFull(sequence.Cached);
            end = Choose(sequence, scores.Slice(right * vocabularySize, vocabularySize));
        }

        counters.Judged(ahead, right);
        speculator.Judged(ahead, length, right);
        return end;
    }

    /// <summary>Chooses one token, and says how the sequence ended if it is the last.</summary>
    private AnswerEnd? Choose(BatchSequence sequence, Span<float> scores)
    {
        BatchRequest request = sequence.Request;
        GenerationRequest asked = request.Request;
        if (asked.Logprobs)
            scores.CopyTo(_raw);
        int token = sequence.Sampler.Choose(scores, _scratch, mayEnd: sequence.Sampler.Chosen >= asked.MinTokens, sequence.Constraint);
        request.CompletionTokens++;
        counters.CompletionTokens++;
        if (request.EndTokens.Contains(token))
            return new AnswerEnd(FinishReason.Stop, token);

        AnswerToken described = asked.Logprobs ? TokenLogprobs.Describe(_raw, token, asked.TopLogprobs, _scratch) : new AnswerToken(token, null, []);
        request.Write(sequence.Text.Append(described));
        if (sequence.Text.Stop is not null || sequence.Constraint is { MustEnd: true })
            return new AnswerEnd(FinishReason.Stop);
        if (sequence.Sampler.Chosen == request.MaxTokens)
            return new AnswerEnd(FinishReason.Length);
        sequence.Add(token);
        return null;
    }

    private void DescribePrompt(in PlannedSequence planned, ReadOnlySpan<float> scores)
    {
        BatchSequence sequence = planned.Sequence;
        GenerationRequest asked = sequence.Request.Request;
        for (int i = 0; i < planned.Rows; i++)
        {
            int next = sequence.Read + i + 1;
            if (next < asked.Prompt.Length && sequence.Request.PromptTokens is { } described)
                described[next] = TokenLogprobs.Describe(scores.Slice(i * vocabularySize, vocabularySize), asked.Prompt[next], asked.TopLogprobs, _scratch);
        }
    }
}

/// <summary>How a choice ended.</summary>
/// <param name="Token">The end token that ended it.</param>
internal readonly record struct AnswerEnd(FinishReason Reason, int? Token = null);
