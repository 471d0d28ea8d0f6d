using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Fairlead.Fleet.Isolation;

/// <summary>A free port of 127.0.0.1, kept from everybody until it is given away.</summary>
internal sealed class LoopbackPort : IDisposable
{
    private readonly Socket _held;

    private LoopbackPort(Socket held)
    {
        _held = held;
        Number = ((IPEndPoint)held.LocalEndPoint!).Port;
    }

    public int Number { get; }

    /// <summary>Takes one that the system says is free. It is listened on, and nobody is ever let in: a port that is merely bound others may bind too.</summary>
    public static LoopbackPort Reserve()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen(1);
        return new LoopbackPort(socket);
    }

    /// <summary>Gives it away: the engine may bind it now.</summary>
    public void Dispose() => _held.Dispose();

    /// <summary>Whether everybody who listens on a port, on whatever address of this machine, is one of these processes, and somebody does.</summary>
    /// <remarks>Linux: /proc/net/tcp names the socket (proc_pid_net(5)), /proc/PID/fd who has it. Elsewhere nobody tells, and the answer is yes: between the
    /// moment in which the port is given away and that in which the engine binds it, a stranger could take it there.</remarks>
    public static bool IsHeldBy(int port, IReadOnlyCollection<int> processes)
    {
        if (!OperatingSystem.IsLinux())
            return true;
        HashSet<string> listening = [.. Listening("/proc/net/tcp", port), .. Listening("/proc/net/tcp6", port)];
        if (listening.Count == 0)
            return false;
        foreach (int process in processes)
            listening.ExceptWith(Open(process));
        return listening.Count == 0;
    }

    // "sl local_address rem_address st … inode": addresses as hexadecimal address:port, state 0A is LISTEN.
    private static IEnumerable<string> Listening(string table, int port)
    {
        if (!File.Exists(table))
            yield break;
        string end = string.Create(CultureInfo.InvariantCulture, $":{port:X4}");
        foreach (string line in File.ReadLines(table))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > 9 && fields[3] == "0A" && fields[1].EndsWith(end, StringComparison.Ordinal))
                yield return $"socket:[{fields[9]}]";
        }
    }

    private static List<string> Open(int process)
    {
        List<string> open = [];
        try
        {
            foreach (string file in Directory.EnumerateFiles($"/proc/{process}/fd"))
            {
                if (new FileInfo(file).LinkTarget is { } target)
                    open.Add(target);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has ended while we looked; what it held is then nobody's.
        }
        return open;
    }
}
