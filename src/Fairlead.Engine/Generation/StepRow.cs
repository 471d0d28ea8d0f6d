using Fairlead.Engine.Kernels.Packed;

namespace Fairlead.Engine.Generation;

/// <summary>One token of one step: prefill, decoding and any mixture of them are lists of these.</summary>
/// <param name="Token">Id in the model's vocabulary.</param>
/// <param name="Sequence">Whose keys and values it attends to and adds to; has room for <paramref name="Position"/>.</param>
/// <param name="Position">Place in the sequence, from 0. Rows of one sequence stand in ascending order and without gaps.</param>
/// <param name="Phase">Whether the token was given or written. The two are computed differently on some processors, so a row's bits depend on it; rows of one phase that stand together
/// are computed together.</param>
/// <param name="WantsLogits">True where the caller needs the scores after this token: the last of a prompt, every one of a decode.</param>
public readonly record struct StepRow(int Token, KvSequence Sequence, int Position, Phase Phase, bool WantsLogits);
