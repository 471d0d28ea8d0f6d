using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Fairlead.Domain.Routing;

namespace Fairlead.Upstreams.Http;

/// <summary>Opens connections: name, address race, TLS; or a Unix socket. Each failure has its own fault, and in all of them nothing was sent.</summary>
internal sealed class Dialer(NameCache names, TimeProvider time)
{
    // RFC 8305 §5 recommends 250 ms before the next address is tried beside the first.
    private static readonly TimeSpan Stagger = TimeSpan.FromMilliseconds(250);

    /// <returns>A connection, or why there is none.</returns>
    /// <exception cref="OperationCanceledException">The caller's token.</exception>
    public async Task<(Connection? Connection, UpstreamFault? Fault)> DialAsync(ConnectionPool pool, TimeSpan connect, CancellationToken caller)
    {
        UpstreamOrigin origin = pool.Origin;
        using var clock = new CancellationTokenSource(connect, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(clock.Token, caller);
        Socket? socket = null;
        FaultKind stage = FaultKind.Dns;
        try
        {
            if (origin.SocketPath is { } path)
            {
                stage = FaultKind.ConnectionRefused;
                socket = await ConnectAsync(new UnixDomainSocketEndPoint(path), ProtocolType.Unspecified, both.Token);
                return (new Connection(pool, socket, null, null, null, time), null);
            }
            IPAddress[] addresses = await names.ResolveAsync(origin.Host, both.Token);
            stage = FaultKind.ConnectionRefused;
            socket = await RaceAsync(addresses, origin.Port, both.Token);
            IPAddress address = ((IPEndPoint)socket.RemoteEndPoint!).Address;
            if (!origin.Secure)
                return (new Connection(pool, socket, null, null, address, time), null);
            stage = FaultKind.Tls;
            var counted = new CountedStream(socket);
            var tls = new SslStream(counted, leaveInnerStreamOpen: true);
            await tls.AuthenticateAsClientAsync(Options(origin), both.Token);
            return (new Connection(pool, socket, counted, tls, address, time), null);
        }
        catch (Exception e) when (e is SocketException or IOException or AuthenticationException or OperationCanceledException or ObjectDisposedException)
        {
            socket?.Dispose();
            caller.ThrowIfCancellationRequested();
            return (null, Fault(stage, e));
        }
    }

    private static UpstreamFault Fault(FaultKind stage, Exception e) => e switch
    {
        OperationCanceledException when stage == FaultKind.Dns => new(FaultKind.Dns, "the name service did not answer in time", NothingSent: true),
        OperationCanceledException => new(FaultKind.ConnectTimeout, "no connection in time", NothingSent: true),
        _ when stage == FaultKind.Dns => new(FaultKind.Dns, "the name could not be resolved", NothingSent: true),
        _ when stage == FaultKind.Tls => new(FaultKind.Tls, Brief(e), NothingSent: true),
        SocketException { SocketErrorCode: SocketError.TimedOut } => new(FaultKind.ConnectTimeout, "no connection in time", NothingSent: true),
        SocketException s => new(FaultKind.ConnectionRefused, $"no connection: {s.SocketErrorCode}", NothingSent: true),
        _ => new(FaultKind.ConnectionRefused, "no connection", NothingSent: true),
    };

    // The runtime's words name certificate errors only; 300 characters are the fault's own bound.
    private static string Brief(Exception e) => e.Message.Length <= 300 ? e.Message : e.Message[..300];

    private static SslClientAuthenticationOptions Options(UpstreamOrigin origin)
    {
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = origin.Host,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = [SslApplicationProtocol.Http11],
            EncryptionPolicy = EncryptionPolicy.RequireEncryption,
        };
        if (origin.Roots is { } roots)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(roots);
            options.CertificateChainPolicy = policy;
        }

        return options;
    }

    private static Task<Socket> ConnectAsync(IPAddress address, int port, CancellationToken cancellationToken) =>
        ConnectAsync(new IPEndPoint(address, port), ProtocolType.Tcp, cancellationToken);

    private static async Task<Socket> ConnectAsync(EndPoint target, ProtocolType protocol, CancellationToken cancellationToken)
    {
        var socket = new Socket(target.AddressFamily, SocketType.Stream, protocol);
        try
        {
            if (protocol == ProtocolType.Tcp)
                socket.NoDelay = true;
            await socket.ConnectAsync(target, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<Socket> RaceAsync(IPAddress[] addresses, int port, CancellationToken cancellationToken)
    {
        if (addresses.Length == 1)
            return await ConnectAsync(addresses[0], port, cancellationToken);
        using var losers = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = new List<Task<Socket>>(addresses.Length);
        int next = 0;
        try
        {
            while (true)
            {
                if (next < addresses.Length)
                    running.Add(ConnectAsync(addresses[next++], port, losers.Token));
                Task first = Task.WhenAny(running);
                if (next < addresses.Length)
                    await Task.WhenAny(first, Task.Delay(Stagger, time, losers.Token));
                else
                    await first;
                Task<Socket>? done = running.Find(static t => t.IsCompletedSuccessfully) ?? running.Find(static t => t.IsCompleted);
                if (done is null)
                    continue;
                running.Remove(done);
                if (done.IsCompletedSuccessfully || (running.Count == 0 && next == addresses.Length))
                    return await done;
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            await losers.CancelAsync();
            foreach (Task<Socket> loser in running)
                _ = loser.ContinueWith(static t => Drop(t), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    // A loser that connected in the last moment is closed; one that failed is looked at, so that nobody reports it as unobserved.
    private static void Drop(Task<Socket> loser)
    {
        if (loser.IsCompletedSuccessfully)
            loser.Result.Dispose();
        else
            _ = loser.Exception;
    }
}
