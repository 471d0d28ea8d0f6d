namespace Fairlead.Engine.Generation;

/// <summary>How much the loop takes on.</summary>
/// <param name="Slots">Answers written at once.</param>
/// <param name="Queue">Requests that may wait for a slot.</param>
/// <param name="StepTokens">Most rows of answers in a step, and of prompts on their way; at least as many as slots.</param>
internal sealed record BatchLimits(int Slots, int Queue, int StepTokens)
{
    /// <summary>See <see cref="LanguageModelOptions.Stall"/>; as long as there is time: no bound but <see cref="StepTokens"/>.</summary>
    public TimeSpan Stall { get; init; } = TimeSpan.MaxValue;

    /// <summary>See <see cref="LanguageModelOptions.Guesses"/>.</summary>
    public int Guesses { get; init; }
}
