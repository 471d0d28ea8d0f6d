using System.Collections.Immutable;

namespace Fairlead.Engine.Generation;

/// <summary>One step of a model: reads the rows, adds their keys and values to the cache, and writes a row of scores for each that wants them.</summary>
/// <param name="rows">Rows of one sequence stand together, in ascending order.</param>
/// <param name="cache">Where the rows' sequences have room.</param>
/// <param name="logits"><c>[rows that want logits × vocabulary]</c>, in the order of the rows.</param>
public delegate void ModelStep(ReadOnlySpan<StepRow> rows, KvCache cache, Span<float> logits);

/// <summary>What the loop must know of a model.</summary>
/// <param name="Step">The model itself.</param>
/// <param name="Pass">The same for prompts, some layers at a time.</param>
/// <param name="VocabularySize">Length of a row of scores.</param>
/// <param name="ContextLength">Most positions the model has been made for.</param>
/// <param name="EndTokens">Tokens with which it ends an answer.</param>
/// <param name="NewDecoder">Begins a text; true leaves special tokens out.</param>
internal sealed record BatchModel(
    ModelStep Step, IModelPass Pass, int VocabularySize, int ContextLength, ImmutableArray<int> EndTokens, Func<bool, AnswerDecoder> NewDecoder)
{
    /// <summary>Whether a row's keys and values depend on its <see cref="StepRow.Phase"/>: then prompts share what prompts have computed, and not what answers have.</summary>
    public bool DependsOnPhase { get; init; }

    /// <summary>A second model that guesses how the answers of this one go on; null without one.</summary>
    public BatchDraft? Draft { get; init; }
}

/// <summary>What the loop must know of a model that guesses ahead.</summary>
/// <param name="Step">The model itself.</param>
/// <param name="Cache">Its own; owned by the loop, and disposed with it. Has room for <paramref name="ContextLength"/> positions of every slot.</param>
/// <param name="VocabularySize">Length of a row of its scores. Its tokens mean what the other model's mean.</param>
/// <param name="ContextLength">Most positions it reads: a text that has become longer is guessed by it no more.</param>
internal sealed record BatchDraft(ModelStep Step, KvCache Cache, int VocabularySize, int ContextLength)
{
    /// <inheritdoc cref="BatchModel.DependsOnPhase"/>
    public bool DependsOnPhase { get; init; }
}
