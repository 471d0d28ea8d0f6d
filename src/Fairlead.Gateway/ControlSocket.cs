using System.Security.Cryptography;
using System.Text;

namespace Fairlead.Gateway;

/// <summary>Where the admin API of a data folder is found; server and command line must agree on it without asking each other.</summary>
public static class ControlSocket
{
    /// <summary>Longest path that a Unix socket address holds everywhere, with room to spare.</summary>
    private const int MostBytes = 100;

    /// <summary><c>/1000000.sock</c>: a worker's socket has a number for a name.</summary>
    private const int LongestWorkerSocket = 13;

    /// <summary>The socket in the data folder, or, where that path is too long, one in a private folder under <c>/tmp</c> named by the folder's hash.</summary>
    public static string PathFor(string dataFolder)
    {
        string path = Path.Combine(Path.GetFullPath(dataFolder), "control.sock");
        return Encoding.UTF8.GetByteCount(path) <= MostBytes ? path : $"{Elsewhere(path)}.sock";
    }

    /// <summary>The folder for the sockets of workers, by the same rule.</summary>
    internal static string WorkerFolderFor(string dataFolder)
    {
        string path = Path.Combine(Path.GetFullPath(dataFolder), "workers");
        return Encoding.UTF8.GetByteCount(path) <= MostBytes - LongestWorkerSocket ? path : $"{Elsewhere(path)}-workers";
    }

    private static string Elsewhere(string path) =>
        $"/tmp/fairlead-{Environment.UserName}/{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(path)))[..16]}";
}
