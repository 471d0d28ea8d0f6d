using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Fairlead.Yard;

namespace Fairlead.Gateway.Tests.Yard;

/// <summary>A TLS server whose certificate nobody has signed but itself, for another name, and whose time is over.</summary>
internal sealed class StrangersDoor : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly X509Certificate2 _certificate = BrokenAddresses.SelfSigned("elsewhere.example", expired: true);
    private readonly Task _accept;

    public StrangersDoor()
    {
        _listener.Start();
        _accept = AcceptAsync();
    }

    public string Url => $"https://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/v1";

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _accept;
        _certificate.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                using Socket socket = await _listener.AcceptSocketAsync();
                await using var tls = new SslStream(new NetworkStream(socket));
                await tls.AuthenticateAsServerAsync(_certificate);
                tls.ReadByte();
            }
            catch (Exception e) when (e is AuthenticationException or IOException)
            {
                // The gateway turned away, as it must.
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return; // disposed
            }
        }
    }
}
