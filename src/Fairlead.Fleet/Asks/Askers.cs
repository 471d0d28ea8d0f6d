using Fairlead.Domain.Fleet;
using Fairlead.Fleet.Workers;

namespace Fairlead.Fleet.Asks;

/// <summary>All who await something of the loop: requests a place, operators a load or an end. The loop's alone.</summary>
/// <remarks>What is decided in a turn is told at its end (<see cref="IAwaited"/>), in the order in which it was decided.</remarks>
internal sealed class Askers
{
    private readonly Dictionary<long, WaitingAsk> _requests = [];
    private readonly Dictionary<long, LoadWish> _loads = [];
    private readonly List<StopWish> _stops = [];
    private readonly List<IAwaited> _decided = []; // and not told yet

    /// <summary>Those who wait for a place.</summary>
    public IReadOnlyCollection<WaitingAsk> Requests => _requests.Values;

    public void Wait(WaitingAsk request) => _requests.Add(request.Asked.Ask, request);

    public void Wait(LoadWish wish) => _loads.Add(wish.Asked.Ask, wish);

    /// <summary>It ends with the last of its workers.</summary>
    public void Wait(StopWish wish) => _stops.Add(wish);

    /// <summary>Whether a request waits for its place.</summary>
    public bool IsWaiting(long ask) => _requests.ContainsKey(ask);

    /// <summary>A request that waits no more, and is to be decided; null where none of this number waits.</summary>
    public WaitingAsk? Take(long ask) => _requests.Remove(ask, out WaitingAsk? request) ? request : null;

    /// <summary>It is told at the end of the turn.</summary>
    public void Decided(IAwaited awaited) => _decided.Add(awaited);

    /// <summary>What an operator wanted loaded is.</summary>
    public void Met(long ask)
    {
        if (_loads.Remove(ask, out LoadWish? wish))
            _decided.Add(wish);
    }

    /// <summary>Whoever waits under this number gets nothing.</summary>
    public void Refuse(long ask, FleetRefusal refusal)
    {
        if (Take(ask) is { } request)
            Refuse(request, refusal);
        else if (_loads.Remove(ask, out LoadWish? wish))
            Refuse(wish, refusal);
    }

    /// <summary>Whoever has just come gets nothing.</summary>
    public void Refuse(object? newcomer, FleetRefusal refusal)
    {
        switch (newcomer)
        {
            case WaitingAsk request:
                request.Refuse(refusal);
                _decided.Add(request);
                break;
            case LoadWish wish:
                wish.Fail(new FleetRefusedException(refusal));
                _decided.Add(wish);
                break;
            case StopWish wish:
                wish.Fail(new FleetRefusedException(refusal));
                _decided.Add(wish);
                break;
        }
    }

    /// <summary>Nobody gets a place or a load any more. Ends that are awaited still come.</summary>
    public void RefuseAll(FleetRefusal refusal)
    {
        foreach (WaitingAsk request in _requests.Values)
            Refuse(request, refusal);
        foreach (LoadWish wish in _loads.Values)
            Refuse(wish, refusal);
        _requests.Clear();
        _loads.Clear();
    }

    /// <summary>Whoever has sent this message is told of the fault that it has met.</summary>
    public void Fail(object? sender, Exception fault)
    {
        switch (sender)
        {
            case WaitingAsk request when _requests.Remove(request.Asked.Ask):
                request.Fail(fault);
                _decided.Add(request);
                break;
            case LoadWish wish:
                wish.Fail(fault);
                _decided.Add(wish);
                break;
            case StopWish wish:
                wish.Fail(fault);
                _decided.Add(wish);
                break;
        }
    }

    /// <summary>A worker is gone: those who await that are told, and those who await the end of its model if it was the last.</summary>
    public void Buried(RunningWorker dead)
    {
        _decided.Add(dead);
        _stops.RemoveAll(wish =>
        {
            bool last = wish.Buried(dead);
            if (last)
                _decided.Add(wish);
            return last;
        });
    }

    /// <summary>The end of a turn.</summary>
    public void Tell()
    {
        foreach (IAwaited awaited in _decided)
            awaited.Tell();
        _decided.Clear();
    }
}
