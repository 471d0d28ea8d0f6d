namespace Fairlead.Engine.Generation.Speculation;

/// <summary>What it costs in one step to guess one text, all of it in steps of the model without a draft.</summary>
/// <param name="guessing">By how much longer the step takes with 1, 2, … guesses of each text that is guessed: passes of the draft, and rows of the model. All answers wait for that.</param>
/// <param name="texts">Texts that are guessed, at least one.</param>
/// <param name="answers">Answers that have a row in the step, these texts among them.</param>
/// <param name="reading">What it takes the draft to read all of this text that it has not read yet.</param>
/// <param name="piece">How much of that is to be paid before anything else: all of it, or, where nobody knows yet what that much takes, the piece that will show more of it.</param>
internal readonly ref struct DraftCosts(ReadOnlySpan<double> guessing, int texts, int answers, double reading, double piece)
{
    private readonly ReadOnlySpan<double> _guessing = guessing;

    /// <summary>Most guesses that are costed.</summary>
    public int Most => _guessing.Length;

    /// <summary>What reading takes, once.</summary>
    public double Reading => reading;

    /// <summary>What <paramref name="guesses"/> of each text cost in every step.</summary>
    public double Of(int guesses) => _guessing[guesses - 1];

    /// <summary>What this text pays for so many in this step.</summary>
    public double Due(int guesses) => (Of(guesses) / texts) + piece;

    /// <summary>How much sooner all answers are written where each text gains <paramref name="more"/> tokens by so many guesses: above 1 where it pays.</summary>
    public double Speed(int guesses, double more) => (1 + (more * texts / answers)) / (1 + Of(guesses));

    /// <summary>Steps that this text saves in one.</summary>
    public double Saved(int guesses, double more) => (more / answers) - (Of(guesses) / texts);
}
