using System.Net.Http.Headers;
using System.Net.Sockets;

namespace Fairlead.Fleet.Workers;

/// <summary>Short questions to one worker: is it ready, how is it.</summary>
/// <remarks>Not the gateway's HTTP client: what is asked here is small, rare, and must be answered while every connection of that one is busy.</remarks>
internal sealed class WorkerProbe : IDisposable
{
    /// <summary>Of an answer more is not read: a worker that sends more is none of ours.</summary>
    private const int MostBytes = 64 * 1024;

    private readonly WorkerAddress _address;
    private readonly HttpMessageInvoker _http;

    public WorkerProbe(WorkerAddress address)
    {
        _address = address;
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(1),
            MaxResponseHeadersLength = 16, // KiB
        };
        if (address.Socket is { } path)
        {
            handler.ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            };
        }
        _http = new HttpMessageInvoker(handler);
    }

    /// <summary>Asks for a path of the worker's root.</summary>
    /// <returns>Whether the status was 2xx, and the beginning of the body; null when nobody answers.</returns>
    /// <exception cref="OperationCanceledException">The token.</exception>
    public Task<(bool Good, byte[] Body)?> GetAsync(string path, CancellationToken cancellationToken) => SendAsync(HttpMethod.Get, path, null, cancellationToken);

    /// <summary>Posts JSON to a path of the worker's root; answers as <see cref="GetAsync"/> does.</summary>
    public Task<(bool Good, byte[] Body)?> PostAsync(string path, string json, CancellationToken cancellationToken) => SendAsync(HttpMethod.Post, path, json, cancellationToken);

    public void Dispose() => _http.Dispose();

    private async Task<(bool Good, byte[] Body)?> SendAsync(HttpMethod method, string path, string? json, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, new Uri(_address.BaseUrl, path));
        if (json is not null)
            request.Content = new StringContent(json, new MediaTypeHeaderValue("application/json"));
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, cancellationToken);
            using Stream body = await response.Content.ReadAsStreamAsync(cancellationToken);
            var read = new byte[MostBytes];
            int length = await body.ReadAtLeastAsync(read, MostBytes, throwOnEndOfStream: false, cancellationToken);
            return (response.IsSuccessStatusCode, read[..length]);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return null; // nobody listens, or it broke off
        }
    }
}
