using System.Globalization;

namespace Fairlead;

/// <summary>Who listens on a port of this machine, as far as Linux lets this user see it.</summary>
internal static class PortHolder
{
    private const string Listening = "0A";
    private static readonly string[] Tables = ["/proc/net/tcp", "/proc/net/tcp6"];

    /// <summary>As <c>'ollama' (pid 812)</c>; null when it cannot be known.</summary>
    public static string? Find(int port)
    {
        try
        {
            HashSet<string> sockets = [.. Tables.Where(File.Exists).SelectMany(File.ReadLines).Select(line => SocketOf(line, port)).OfType<string>()];
            if (sockets.Count == 0)
                return null;
            foreach (string process in Directory.EnumerateDirectories("/proc").Where(static p => char.IsAsciiDigit(Path.GetFileName(p)[0])))
            {
                if (Holds(process, sockets))
                    return $"'{File.ReadAllText(Path.Combine(process, "comm")).Trim()}' (pid {Path.GetFileName(process)})";
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // no Linux, or a process that ended while it was looked at: the port number alone has to do
        }
        return null;
    }

    private static string? SocketOf(string line, int port)
    {
        string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > 9 && fields[3] == Listening && fields[1].EndsWith(':' + port.ToString("X4", CultureInfo.InvariantCulture), StringComparison.Ordinal) ? $"socket:[{fields[9]}]" : null;
    }

    private static bool Holds(string process, HashSet<string> sockets)
    {
        try
        {
            return Directory.EnumerateFiles(Path.Combine(process, "fd")).Any(file => File.ResolveLinkTarget(file, false) is { } target && sockets.Contains(Path.GetFileName(target.FullName)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // somebody else's process
        }
    }
}
