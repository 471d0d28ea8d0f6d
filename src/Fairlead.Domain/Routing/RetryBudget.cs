namespace Fairlead.Domain.Routing;

/// <summary>How many attempts after the first may be under way at once: a fifth of the requests under way, but never fewer than three.
/// When everything fails, load on what is left of the providers grows by a fifth, not threefold.</summary>
public sealed class RetryBudget
{
    private const int Floor = 3;
    private const int OneIn = 5;
    private int _taken;

    /// <summary>Takes one; false when the share is used up.</summary>
    /// <param name="running">Requests under way.</param>
    public bool TryTake(int running)
    {
        if (_taken >= Math.Max(Floor, running / OneIn))
            return false;
        _taken++;
        return true;
    }

    /// <summary>Gives one back.</summary>
    public void Return() => _taken = Math.Max(0, _taken - 1);
}
