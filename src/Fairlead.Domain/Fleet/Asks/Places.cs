using Fairlead.Domain.Fleet.Workers;

namespace Fairlead.Domain.Fleet.Asks;

/// <summary>The places in workers, and those who wait for one: each ask has a place, waits, or was told why it gets none.</summary>
internal sealed class Places(Decision decision)
{
    private readonly OpenAsks _asks = new();

    /// <summary>The earliest time at which one who waits may have lost patience; null: nobody waits.</summary>
    public TimeSpan? NextDeadline => _asks.NextDeadline;

    /// <summary>Whether the ask waits, or has its place.</summary>
    public bool Has(long ask) => _asks.Has(ask);

    /// <summary>How many of those who wait for the same model will be served before this one; null when it does not wait.</summary>
    public int? Ahead(long ask) => _asks.Waiting(ask) is { } waiter ? waiter.Model.Line.Ahead(waiter) : null;

    /// <summary>The ask has a place in a worker that has one free.</summary>
    public void Grant(long ask, WorkerLife worker)
    {
        worker.Busy++;
        worker.PromisedUntil = TimeSpan.Zero;
        worker.Model.WantedUntil = TimeSpan.Zero;
        _asks.Enter(ask, worker, decision.Now);
        decision.Want(new FleetEffect.Grant(ask, worker.Start));
    }

    /// <summary>The ask, which is not open, gets none.</summary>
    public void Refuse(long ask, FleetRefusal refusal) => decision.Want(new FleetEffect.Refuse(ask, refusal));

    /// <summary>The ask waits, or is refused where as many wait as may and its tenant has its share of the line; whoever has more than that gives way to it.</summary>
    /// <returns>True: it waits.</returns>
    public bool Queue(ModelLife model, FleetEvent.Asked asked)
    {
        if (model.Line.Count >= model.Terms.Queue)
        {
            FleetRefusal full = Refusals.QueueFull(model, decision.Now);
            if (model.Line.GivesWayTo(asked.Tenant) is not { } last)
            {
                Refuse(asked.Ask, full);
                return false;
            }
            Dismiss(last, full);
        }
        // Loaded is loaded: whoever did not want to wait for a load waits for a place like the others.
        TimeSpan patience = asked.Patience > TimeSpan.Zero && asked.Patience < model.Terms.QueueWait ? asked.Patience : model.Terms.QueueWait;
        var waiter = new Waiter(asked.Ask, model, asked.Tenant, asked.MayLoad, decision.Now, decision.Now + patience);
        model.Line.Add(waiter);
        _asks.Wait(waiter);
        return true;
    }

    /// <summary>Those who wait get the places that are free.</summary>
    public void Serve(ModelLife model)
    {
        while (model.Worker is { Takes: true } worker && worker.Busy < worker.Slots && model.Line.Take() is { } waiter)
        {
            _asks.Close(waiter.Ask);
            Grant(waiter.Ask, worker);
        }
    }

    /// <summary>The ask gives its place back, or waits no more; what it was then, null where it is not open.</summary>
    public OpenAsk? Leave(long ask)
    {
        OpenAsk? left = _asks.Close(ask);
        if (left is { Waiter: { } waiter })
            waiter.Model.Line.Remove(waiter);
        else if (left is { Worker: { } worker })
            worker.Busy--;
        return left;
    }

    /// <summary>One whose patience is over, who is to be dismissed; null: nobody.</summary>
    public Waiter? NextImpatient() => _asks.TakeImpatient(decision.Now);

    /// <summary>One who waits gets no place.</summary>
    public void Dismiss(Waiter waiter, FleetRefusal refusal)
    {
        if (waiter.Place is not null)
            waiter.Model.Line.Remove(waiter);
        _asks.Close(waiter.Ask);
        Refuse(waiter.Ask, refusal);
    }

    /// <summary>All who wait for a model get none, in the order in which they would have been served.</summary>
    public void DismissAll(ModelLife model, FleetRefusal refusal)
    {
        while (model.Line.Take() is { } waiter)
            Dismiss(waiter, refusal);
    }
}
