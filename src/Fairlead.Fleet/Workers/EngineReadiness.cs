using System.Text;
using Fairlead.Fleet.Isolation;

namespace Fairlead.Fleet.Workers;

/// <summary>Another's engine says nothing when it has loaded: it is asked until it answers, held to be the one that answers, and told to load where starting is not loading.</summary>
/// <param name="ask">Its health; null: it does not answer.</param>
internal sealed class EngineReadiness(EngineCommand engine, WorkerSpec spec, WorkerProbe probe, Func<TimeSpan, Task<WorkerHealth?>> ask, LoopbackPort? port, int process, TimeProvider time)
{
    /// <summary>Between two questions.</summary>
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    /// <summary>For one answer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Characters of an engine's own words when it could not load.</summary>
    private const int MostWords = 300;

    /// <summary>Waits until it is.</summary>
    /// <returns>False: it has ended first.</returns>
    /// <exception cref="WorkerFailedException">Another program answers in its place, or it could not load its model.</exception>
    /// <exception cref="ObjectDisposedException">It has ended.</exception>
    /// <exception cref="OperationCanceledException">It has ended.</exception>
    public async Task<bool> WaitAsync(Task exited)
    {
        using var poll = new PeriodicTimer(Poll, time);
        while (!exited.IsCompleted)
        {
            if (await ask(Patience) is { Status: "ready" })
            {
                if (port is not null && !LoopbackPort.IsHeldBy(port.Number, ProcessTree.Members(process)))
                    throw new WorkerFailedException($"port {port.Number} of this machine is answered by another program");
                if (engine.LoadCall is { } call)
                    await LoadAsync(call);
                return true;
            }
            await poll.WaitForNextTickAsync();
        }
        return false;
    }

    private async Task LoadAsync(EngineLoadCall call)
    {
        if (await probe.PostAsync(call.Path, call.BodyFor(spec), CancellationToken.None) is not var (good, answer))
            throw new WorkerFailedException($"{call.Path} was not answered");
        if (!good)
            throw new WorkerFailedException($"{call.Path}: {LogLines.Neutral(Encoding.UTF8.GetString(answer.AsSpan(0, Math.Min(answer.Length, MostWords))))}");
    }
}
