using System.Net;
using System.Net.Sockets;

namespace Fairlead.Shared;

/// <summary>Ports for servers that have to be told one before they listen.</summary>
/// <remarks>Below those that a system gives out by itself (Linux from 32768, others from 49152): one of those could be given to anybody's next connection before the server has it.</remarks>
internal static class FreePort
{
    private const int Lowest = 20_000, Count = 12_000;

    // Several test processes run at once: each begins elsewhere, and none takes a port twice before it has been round.
    private static int s_taken = Random.Shared.Next(Count);

    /// <summary>A port of the loopback address at which nobody listens, and which this process has given to nobody else lately.</summary>
    public static int Take()
    {
        for (int tried = 0; tried < Count; tried++)
        {
            int port = Lowest + (int)((uint)Interlocked.Increment(ref s_taken) % Count);
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
            {
                continue; // another's
            }
        }
        throw new InvalidOperationException($"No port from {Lowest} to {Lowest + Count - 1} is free.");
    }
}
