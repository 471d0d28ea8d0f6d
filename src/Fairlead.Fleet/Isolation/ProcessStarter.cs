using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Fairlead.Fleet.Isolation;

/// <summary>A thread that starts processes, and does nothing else for as long as this process lives.</summary>
/// <remarks>Linux's parent-death signal comes when the <em>thread</em> that started a child ends (prctl(2), PR_SET_PDEATHSIG), and threads of a pool end when
/// there is little to do. And what a thread has given up, the processes that it starts have given up too, from their first instruction on and with all their
/// threads: hence one such thread for engines, which may do what a program may, and one for the workers of our own in each folder of sockets.</remarks>
internal sealed class ProcessStarter
{
    private static readonly ConcurrentDictionary<string, Lazy<ProcessStarter>> s_ofWorkers = new(StringComparer.Ordinal);

    private readonly BlockingCollection<Action> _work = [];

    private ProcessStarter(string? socketFolder)
    {
        new Thread(Work, maxStackSize: 256 * 1024) { IsBackground = true, Name = "process starter" }.Start();
        Do(GiveUpPrivileges);
        if (socketFolder is not null)
            Unconfined = Do(() => Confine(socketFolder));
    }

    /// <summary>For programs of which we do not know what they write and whom they call.</summary>
    public static ProcessStarter OfAnything { get; } = new(null);

    /// <summary>For workers of our own, whose sockets are in this folder.</summary>
    public static ProcessStarter OfWorkers(string socketFolder) =>
        s_ofWorkers.GetOrAdd(socketFolder, static folder => new Lazy<ProcessStarter>(() => new ProcessStarter(folder))).Value;

    /// <summary>Why what it starts may write and call as any program may; null where it can write nothing but sockets in the folder, and open no TCP connection.</summary>
    public string? Unconfined { get; } = "it is none of ours";

    /// <summary>Starts a process.</summary>
    /// <exception cref="System.ComponentModel.Win32Exception">There is no such program, or it may not be run.</exception>
    public Process Start(ProcessStartInfo what) => Do(() => Process.Start(what)!); // null only where a shell would have been used

    /// <summary>No set-user-id program gains anything any more (PR_SET_NO_NEW_PRIVS(2const)); Landlock wants it too.</summary>
    private static bool GiveUpPrivileges() =>
        !OperatingSystem.IsLinux() || Libc.ProcessControl(Libc.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? true
            : throw new IOException($"prctl: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");

    private static string? Confine(string socketFolder)
    {
        try
        {
            return Landlock.RestrictThisThread(socketFolder) ? null : "this system has no Landlock";
        }
        catch (IOException e)
        {
            return e.Message; // what cannot be had is not had: the level that is shown says so
        }
    }

    private T Do<T>(Func<T> what)
    {
        T? result = default;
        ExceptionDispatchInfo? failure = null;
        using var done = new ManualResetEventSlim();
        _work.Add(() =>
        {
            try
            {
                result = what();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e); // the caller's, whatever it is; this thread goes on
            }
            done.Set();
        });
        done.Wait(); // a few milliseconds: the framework waits for the child's exec
        failure?.Throw();
        return result!;
    }

    private void Work()
    {
        foreach (Action one in _work.GetConsumingEnumerable())
            one();
    }
}
