namespace Fairlead.Worker;

/// <summary>Whether requests are let in, and how many are inside: a worker that is to end takes nothing new and goes when the last one is out.</summary>
internal sealed class Draining
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _draining;
    private int _inside;

    /// <summary>Ends when somebody has asked for the end.</summary>
    public Task Asked => _asked.Task;

    /// <summary>Ends when nobody is inside and nobody comes in any more.</summary>
    public Task Empty => _empty.Task;

    /// <summary>Nobody comes in from now on.</summary>
    public void Begin()
    {
        lock (_gate)
        {
            _draining = true;
            if (_inside == 0)
                _empty.TrySetResult();
        }
        _asked.TrySetResult();
    }

    /// <summary>A request comes in; null when nobody may any more. Disposing the place lets it out.</summary>
    public Place? TryEnter()
    {
        lock (_gate)
        {
            if (_draining)
                return null;
            _inside++;
            return new Place(this);
        }
    }

    private void Leave()
    {
        lock (_gate)
        {
            if (--_inside == 0 && _draining)
                _empty.TrySetResult();
        }
    }

    /// <summary>Of one request, until it is disposed.</summary>
    public sealed class Place(Draining draining) : IDisposable
    {
        public void Dispose() => draining.Leave();
    }
}
