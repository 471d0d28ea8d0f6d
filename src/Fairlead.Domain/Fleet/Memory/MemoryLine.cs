namespace Fairlead.Domain.Fleet.Memory;

/// <summary>Models that are wanted and have no memory yet, in the order in which they get it, and whether room is to be looked for.</summary>
/// <remarks>Looking goes over all models, so it is done when something that it depends on has changed, and not for every request.</remarks>
internal sealed class MemoryLine(Decision decision)
{
    private readonly List<ModelLife> _lacking = [];
    private bool _moved;

    /// <summary>Those who lack memory, oldest first.</summary>
    public IReadOnlyList<ModelLife> Lacking => _lacking;

    /// <summary>Since when more is set aside than the budget, because that was lowered; null: it is not. This comes before all who lack memory.</summary>
    public TimeSpan? OverdrawnSince { get; private set; }

    /// <summary>The model lacks memory, from now on unless it does already.</summary>
    public void Join(ModelLife model)
    {
        if (model.LacksSince is not null)
            return;
        model.LacksSince = decision.Now;
        model.RoomAt = decision.Now;
        _lacking.Add(model);
        _moved = true;
    }

    /// <summary>The model has memory, or is wanted no more.</summary>
    public void Leave(ModelLife model)
    {
        if (model.LacksSince is null)
            return;
        model.LacksSince = null;
        _lacking.Remove(model);
        _moved = true;
    }

    /// <summary>What is set aside is within the budget, or is not.</summary>
    public void Compare(long setAside) => OverdrawnSince = setAside <= decision.Limits.Memory ? null : OverdrawnSince ?? decision.Now;

    /// <summary>Memory was given, taken or promised, or will be: room is to be looked for.</summary>
    public void Moved() => _moved = true;

    /// <summary>Time or a worker's size has changed something: room is to be looked for if a model lacks it.</summary>
    public void MovedForModels() => _moved |= _lacking.Count > 0;

    /// <summary>A worker has become idle: room is to be looked for if a model lacks it, or the budget does.</summary>
    public void MovedForAnybody() => _moved |= _lacking.Count > 0 || OverdrawnSince is not null;

    /// <summary>Whether room is to be looked for; once.</summary>
    public bool TakeMoved()
    {
        bool moved = _moved;
        _moved = false;
        return moved;
    }
}
