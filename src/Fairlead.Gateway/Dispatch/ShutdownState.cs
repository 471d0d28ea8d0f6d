namespace Fairlead.Gateway.Dispatch;

/// <summary>How a server ends: from the first signal on it takes on nothing new and lets answers finish; when the time for that is over, it cuts off the rest.</summary>
internal sealed class ShutdownState : IDisposable
{
    private readonly CancellationTokenSource _cutOff = new();
    private volatile bool _draining;

    public bool IsDraining => _draining;

    /// <summary>Cancelled when answers have to end, finished or not: each then says so to its caller as <c>draining</c>.</summary>
    public CancellationToken CutOff => _cutOff.Token;

    public void BeginDraining() => _draining = true;

    public Task CutOffAsync() => _cutOff.CancelAsync();

    public void Dispose() => _cutOff.Dispose();
}
