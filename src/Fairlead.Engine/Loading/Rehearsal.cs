using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Fairlead.Engine.Loading;

/// <summary>
/// Has the runtime compile what a first answer runs while the weights are being read, so that the answer need not wait for it: something like it is done once, on a thread of its own. Why it is
/// done so: docs/decisions/0018-rehearsed-while-it-loads.md.
/// </summary>
internal sealed class Rehearsal : IDisposable
{
    /// <summary>As the threads of a crew have, for the same kernels.</summary>
    private const int StackBytes = 1 << 20;

    private readonly Thread? _thread;
    private ExceptionDispatchInfo? _failure;

    private Rehearsal(Action play)
    {
        if (!IsWorthwhile)
            return;
        _thread = new Thread(() => Run(play), StackBytes) { IsBackground = true, Name = "fairlead rehearsal" };
        _thread.Start();
    }

    /// <summary>False where everything was compiled ahead of time: nothing is left to do.</summary>
    public static bool IsWorthwhile => RuntimeFeature.IsDynamicCodeCompiled;

    /// <summary>Begins, where it is worthwhile.</summary>
    /// <param name="play">What is done; it must not touch what is being loaded.</param>
    public static Rehearsal Begin(Action play) => new(play);

    /// <summary>Waits until it is over.</summary>
    /// <exception cref="Exception">What the first answer would have failed with.</exception>
    public void Complete()
    {
        Dispose();
        _failure?.Throw();
    }

    /// <summary>Waits until it is over, whatever came of it: a load that has failed for a better reason.</summary>
    public void Dispose() => _thread?.Join();

    private void Run(Action play)
    {
        try
        {
            play();
        }
        catch (Exception e)
        {
            _failure = ExceptionDispatchInfo.Capture(e); // for whoever waits
        }
    }
}
