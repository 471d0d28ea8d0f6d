namespace Fairlead.Gateway.Dispatch;

/// <summary>Whether the server takes on new work. After the first signal to stop it refuses politely and lets streams finish.</summary>
internal sealed class ShutdownState
{
    private volatile bool _draining;

    public bool IsDraining => _draining;

    public void BeginDraining() => _draining = true;
}
