namespace Fairlead.Domain.Fleet;

/// <summary>When each model has to be looked at next. Setting one costs next to nothing where an earlier one is set already: that one rings, finds nothing to
/// do, and is set anew. So an answer that ends does not touch the queue, though it postpones its model's unloading.</summary>
internal sealed class Alarms
{
    private readonly PriorityQueue<ModelLife, TimeSpan> _queue = new();

    /// <summary>The earliest; null where none is set.</summary>
    public TimeSpan? Next => _queue.TryPeek(out _, out TimeSpan at) ? at : null;

    /// <summary>The model is looked at when time alone will have changed something about it, at the latest.</summary>
    public void Set(ModelLife model, TimeSpan now)
    {
        if (model.Due(now) is not { } at || model.Alarm <= at)
            return;
        model.Alarm = at;
        _queue.Enqueue(model, at);
    }

    /// <summary>Takes out a model whose time has come.</summary>
    public bool TryRing(TimeSpan now, out ModelLife model)
    {
        while (_queue.TryPeek(out model!, out TimeSpan at) && at <= now)
        {
            _queue.Dequeue();
            if (model.Alarm != at)
                continue; // an earlier one was set since, and this one stayed behind
            model.Alarm = null;
            return true;
        }
        return false;
    }
}
