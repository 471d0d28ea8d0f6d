namespace Fairlead.Engine.Generation;

/// <summary>An estimate of how long something takes, from how long it took lately.</summary>
internal static class Estimate
{
    /// <summary>
    /// Rises by half of what was measured more than was known, and falls by an eighth of what was measured less: what was slow by chance costs a few cautious steps, what was quick by chance
    /// makes nobody wait.
    /// </summary>
    /// <param name="known">Not known yet where it is 0.</param>
    public static void Learn(ref double known, double measured) =>
        known = known <= 0 ? measured : known + ((measured - known) / (measured > known ? 2 : 8));
}
