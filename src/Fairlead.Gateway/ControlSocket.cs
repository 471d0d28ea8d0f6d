using System.Security.Cryptography;
using System.Text;

namespace Fairlead.Gateway;

/// <summary>Where the admin API of a data folder is found; server and command line must agree on it without asking each other.</summary>
public static class ControlSocket
{
    /// <summary>Longest path that a Unix socket address holds everywhere, with room to spare.</summary>
    private const int MostBytes = 100;

    /// <summary>The socket in the data folder, or, where that path is too long, one in a private folder under <c>/tmp</c> named by the folder's hash.</summary>
    public static string PathFor(string dataFolder)
    {
        string path = Path.Combine(Path.GetFullPath(dataFolder), "control.sock");
        if (Encoding.UTF8.GetByteCount(path) <= MostBytes)
            return path;
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(path)))[..16];
        return $"/tmp/fairlead-{Environment.UserName}/{hash}.sock";
    }
}
