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

    /// <summary>Takes one that the system says is free. It is bound and never listened on, so nobody else can have it.</summary>
    public static LoopbackPort Reserve()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ExclusiveAddressUse = true };
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return new LoopbackPort(socket);
    }

    /// <summary>Gives it away: the engine may bind it now.</summary>
    public void Dispose() => _held.Dispose();
}
