using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Fairlead.Fleet.Isolation;

/// <summary>A thread that starts processes, and does nothing else for as long as one of them lives.</summary>
/// <remarks>Linux's parent-death signal comes when the <em>thread</em> that started a child ends (prctl(2), PR_SET_PDEATHSIG), and threads of a pool end when
/// there is little to do. And what a thread has given up, the processes that it starts have given up too, from their first instruction on and with all their
/// threads: hence one such thread for engines, which may do what a program may, and one for each worker of our own, which may write in folders of its own.</remarks>
internal sealed class ProcessStarter : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];

    private ProcessStarter(string? socketFolder, string? packFolder)
    {
        new Thread(Work, maxStackSize: 256 * 1024) { IsBackground = true, Name = "process starter" }.Start();
        Do(GiveUpPrivileges);
        if (socketFolder is not null)
            Unconfined = Do(() => Confine(socketFolder, packFolder));
    }

    /// <summary>For programs of which we do not know what they write and whom they call.</summary>
    public static ProcessStarter OfAnything { get; } = new(null, null);

    /// <summary>For one worker of our own; to be disposed when that has ended, and not before: the thread's end would be taken for this process's.</summary>
    /// <param name="socketFolder">The folder of its socket.</param>
    /// <param name="packFolder">The folder of its packs; null: it keeps none.</param>
    public static ProcessStarter ForWorker(string socketFolder, string? packFolder) => new(socketFolder, packFolder);

    /// <summary>Why what it starts may write and call as any program may; null where it can write nothing but sockets and packs in these folders, and open no TCP connection.</summary>
    public string? Unconfined { get; } = "it is none of ours";

    /// <summary>Starts a process.</summary>
    /// <exception cref="System.ComponentModel.Win32Exception">There is no such program, or it may not be run.</exception>
    public Process Start(ProcessStartInfo what) => Do(() => Process.Start(what)!); // null only where a shell would have been used

    /// <summary>No set-user-id program gains anything any more (PR_SET_NO_NEW_PRIVS(2const)); Landlock wants it too.</summary>
    private static bool GiveUpPrivileges() =>
        !OperatingSystem.IsLinux() || Libc.ProcessControl(Libc.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? true
            : throw new IOException($"prctl: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");

    /// <summary>Ends the thread of one worker; the one for engines goes on.</summary>
    public void Dispose()
    {
        if (this != OfAnything)
            _work.CompleteAdding();
    }

    private static string? Confine(string socketFolder, string? packFolder)
    {
        try
        {
            return Landlock.RestrictThisThread(socketFolder, packFolder) ? null : "this system has no Landlock";
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
