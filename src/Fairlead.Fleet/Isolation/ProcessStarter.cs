using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Fairlead.Fleet.Isolation;

/// <summary>The one thread that starts processes, for as long as this process lives.</summary>
/// <remarks>Linux's parent-death signal comes when the <em>thread</em> that started a child ends (prctl(2), PR_SET_PDEATHSIG), and threads of a pool end when
/// there is little to do. What this thread has given up for itself its children do not have either: it can gain no privileges.</remarks>
internal sealed class ProcessStarter
{
    private readonly BlockingCollection<Action> _work = [];

    private ProcessStarter() => new Thread(Work) { IsBackground = true, Name = "process starter" }.Start();

    /// <summary>The one.</summary>
    public static ProcessStarter Instance { get; } = new();

    /// <summary>Starts a process.</summary>
    /// <exception cref="System.ComponentModel.Win32Exception">There is no such program, or it may not be run.</exception>
    public Process Start(ProcessStartInfo what)
    {
        Process? child = null;
        ExceptionDispatchInfo? failure = null;
        using var done = new ManualResetEventSlim();
        _work.Add(() =>
        {
            try
            {
                child = Process.Start(what);
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e); // the caller's, whatever it is; this thread goes on
            }
            done.Set();
        });
        done.Wait(); // a few milliseconds: the framework waits for the child's exec
        failure?.Throw();
        return child!; // null only where a shell would have been used
    }

    private void Work()
    {
        foreach (Action one in _work.GetConsumingEnumerable())
            one();
    }
}
