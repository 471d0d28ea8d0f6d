using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Fairlead.Yard;

/// <summary>An address at which connections are never accepted: its queue is full, so that the kernel drops every further SYN.</summary>
public sealed class BlackHole : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> _fillers = [];

    public BlackHole()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(0);
        for (int i = 0; i < 4; i++)
        {
            var filler = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            try
            {
                filler.Connect(_listener.LocalEndPoint!);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
            {
                // under way, as far as it ever gets
            }
            _fillers.Add(filler);
        }
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndPoint!).Port}/v1";

    public void Dispose()
    {
        _listener.Dispose();
        _fillers.ForEach(static f => f.Dispose());
    }
}

/// <summary>An address that closes each connection as soon as the caller has said something: an abort in mid-handshake, where TLS was meant.</summary>
public sealed class SlammingDoor : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public SlammingDoor()
    {
        _listener.Start();
        _ = SlamAsync();
    }

    public string Url => $"https://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/v1";

    public void Dispose() => _listener.Dispose();

    private async Task SlamAsync()
    {
        try
        {
            while (true)
            {
                using Socket socket = await _listener.AcceptSocketAsync();
                await socket.ReceiveAsync(new byte[1]);
                socket.LingerState = new LingerOption(enable: true, seconds: 0);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return; // disposed
        }
    }
}

/// <summary>Addresses and certificates that nobody should trust.</summary>
public static class BrokenAddresses
{
    /// <summary>A loopback port on which nobody listens.</summary>
    public static string Refused()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/v1";
    }

    /// <summary>A certificate that signs itself.</summary>
    /// <param name="host">The only name or address it is for.</param>
    /// <param name="expired">Whether its time is over.</param>
    public static X509Certificate2 SelfSigned(string host, bool expired = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(host, out IPAddress? address))
            names.AddIpAddress(address);
        else
            names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        DateTimeOffset end = DateTimeOffset.UtcNow.AddDays(expired ? -1 : 30);
        using X509Certificate2 made = request.CreateSelfSigned(end.AddDays(-60), end);
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), password: null);
    }
}
