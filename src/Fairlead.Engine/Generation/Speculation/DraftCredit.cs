namespace Fairlead.Engine.Generation.Speculation;

/// <summary>What a draft may still lose, in steps of its model without one: whoever wants it to compute something must be able to pay for that if nothing comes of it.</summary>
/// <remarks>
/// Nobody knows beforehand whether a draft pays; trying costs time. So trying has a budget: <see cref="First"/> steps, and one for every hundred. All that the draft takes (reading the text, guessing,
/// rows of the model for its guesses) is paid from it, and each guess that comes true pays what it has saved. However useless a draft is, a thousand steps thus take no more than some
/// sixteen longer; a useful one hardly ever meets the bound.
/// </remarks>
internal struct DraftCredit()
{
    /// <summary>Steps that may be lost from the beginning. More would show in the first hundred tokens.</summary>
    private const double First = 6;

    /// <summary>And this share of a step with every step.</summary>
    private const double Share = 0.01;

    /// <summary>What was saved counts up to so many steps: a draft that was good for an hour must not cost the next one.</summary>
    private const double Most = 64;

    /// <summary>Steps.</summary>
    public double Left { get; private set; } = First;

    /// <summary>One step more was computed.</summary>
    /// <param name="lost">Steps that it took longer by the draft than without; negative for what was saved.</param>
    public void Stepped(double lost) => Left = Math.Min(Most, Left + Share - lost);
}
