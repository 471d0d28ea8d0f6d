using System.Runtime.InteropServices;

namespace Fairlead;

/// <summary>SIGTERM and SIGINT of this process: the first asks for a polite end, the second for one at once.</summary>
/// <remarks>Taken before the server starts, so that a signal in the middle of a start is not lost either.</remarks>
internal sealed class StopSignals : IDisposable
{
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _second = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PosixSignalRegistration _terminate;
    private readonly PosixSignalRegistration _interrupt;

    public StopSignals()
    {
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Note);
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Note);
    }

    public Task First => _first.Task;

    public Task Second => _second.Task;

    public void Dispose()
    {
        _terminate.Dispose();
        _interrupt.Dispose();
    }

    private void Note(PosixSignalContext context)
    {
        context.Cancel = true;
        if (!_first.TrySetResult())
            _second.TrySetResult();
    }
}
