using System.Collections;
using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;

namespace Fairlead.Fleet.Isolation;

/// <summary>The process that stands in for another's engine until it is let load, and then becomes it: <c>fairlead worker exec -- PROGRAM ARGUMENTS…</c>.</summary>
/// <remarks>An engine knows nothing of us, and begins to load when it is started. So our own program is started in its place, is bounded and waits; what was
/// done to the process (parent-death signal, process group, limits, no new privileges) is the engine's too, because execve(2) keeps it.</remarks>
public static class EngineStandIn
{
    private const nint CloseRange = 436;
    private const nint OnExec = 4;

    /// <summary>Waits for the line <c>load</c> on standard input and becomes the engine. Returns only when it does not.</summary>
    /// <param name="command">The engine's program, an absolute path, and its arguments.</param>
    /// <param name="log">Gets the reason when the engine cannot be started.</param>
    /// <returns>The exit code: 0 when it was told to stop or the gateway is dead, otherwise 1.</returns>
    public static int Run(IReadOnlyList<string> command, TextWriter log)
    {
        if (command.Count == 0)
        {
            log.WriteLine("worker exec: there is no program. It is for the gateway, which starts engines with it: fairlead worker exec -- PROGRAM ARGUMENTS…");
            return 1;
        }
        try
        {
            if (!ChildConduct.Enter(Orphan.Dies) || ReadLine() != "load")
                return 0;
        }
        catch (IOException e)
        {
            log.WriteLine(e.Message);
            return 1;
        }
        // Nothing that is open here is the engine's but the three standard streams; an older kernel (before 5.11) leaves what the runtime did not mark itself.
        if (OperatingSystem.IsLinux())
            _ = Libc.SystemCall(CloseRange, 3, unchecked((nint)uint.MaxValue), OnExec);
        // The runtime ignores SIGPIPE, and what is ignored stays so over execve.
        _ = Libc.SetSignal(Libc.SIGPIPE, Libc.SIG_DFL);
        _ = Libc.Execute(command[0], [.. command, null], Environment());
        log.WriteLine($"{command[0]}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        return 1;
    }

    /// <summary>A line of standard input, byte by byte: what comes after it is the engine's.</summary>
    private static string? ReadLine()
    {
        var line = new StringBuilder();
        byte one = 0;
        while (line.Length < 16)
        {
            nint read = Libc.Read(0, ref one, 1);
            if (read < 0 && Marshal.GetLastPInvokeError() == Libc.EINTR)
                continue;
            if (read <= 0)
                return null; // the gateway is dead
            if (one == '\n')
                return line.ToString();
            line.Append((char)one);
        }
        return null;
    }

    // What was meant for us alone is not handed on.
    private static string?[] Environment() =>
    [
        .. System.Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Where(static variable => (string)variable.Key is not (ChildConduct.ParentVariable or "DOTNET_EnableDiagnostics"))
            .Select(static variable => $"{variable.Key}={variable.Value}"),
        null,
    ];
}
