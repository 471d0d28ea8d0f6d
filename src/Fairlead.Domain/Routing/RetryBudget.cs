namespace Fairlead.Domain.Routing;

/// <summary>How many attempts that add load may be under way at once: a fifth of the requests under way, but never fewer than three.
/// When everything fails, load on what is left of the providers grows by a fifth, not threefold.</summary>
public sealed class RetryBudget
{
    private const int Floor = 3;
    private const int OneIn = 5;

    /// <summary>From this share of errors on, a target is failing itself.</summary>
    private const double Failing = 0.5;

    private int _taken;

    /// <summary>Whether an attempt after the first comes out of the budget.</summary>
    /// <remarks>Asking the same target again does, and so does moving to one that fails itself. Moving to one that is well does not: it takes over the
    /// load that the other cannot carry, and refusing it would fail a request that somebody can serve. What is said differently once, because a
    /// refusal has taught how, is no repetition; and a stream that was refused unseen was never an attempt (fault U-31).
    /// What a worker of our own had not begun to answer when it died is asked once more, however many there were (W-08): its queue bounds them.</remarks>
    public static bool Covers(NextStepKind step, UpstreamFault fault, in OfferCondition next) => step switch
    {
        NextStepKind.TryNext => next.ErrorShare >= Failing,
        NextStepKind.RetrySame => fault.Quirk is null && fault.Kind is not (FaultKind.StreamRefused or FaultKind.WorkerCrash),
        _ => false,
    };

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
