using System.Net;
using System.Text.Json;
using Fairlead.Upstreams.Providers;

namespace Fairlead.Gateway.Catalogue;

/// <summary>Asks a server which models it has. Short clocks, no redirects, no proxy, bounded bodies: what answers is not trusted.</summary>
internal sealed class ProbeClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(700);
    private const int MostModels = 2_000;

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = TimeSpan.FromMilliseconds(300),
        MaxResponseHeadersLength = 64,
    })
    { MaxResponseContentBufferSize = 4 << 20, Timeout = Patience };

    /// <summary>Model ids from a list as either dialect has it; null when there is nobody, or nobody who has such a list.</summary>
    /// <param name="url">Of the list.</param>
    /// <param name="key">Null where none is needed.</param>
    /// <param name="cancellationToken">Nobody wants to know any more.</param>
    public async Task<IReadOnlyList<string>?> ModelsAsync(Uri url, EndpointKey? key, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            if (key?.Header is ("authorization", var credential))
                request.Headers.Authorization = new(credential[..credential.IndexOf(' ', StringComparison.Ordinal)], credential[(credential.IndexOf(' ', StringComparison.Ordinal) + 1)..]);
            else if (key?.Header is { } header)
                request.Headers.Add(header.Name, header.Value);
            using HttpResponseMessage response = await _http.SendAsync(request, cancellationToken);
            if (response.StatusCode != HttpStatusCode.OK)
                return null;
            await using Stream body = await response.Content.ReadAsStreamAsync(cancellationToken);
            using JsonDocument document = await JsonDocument.ParseAsync(body, cancellationToken: cancellationToken);
            JsonElement root = document.RootElement;
            // Together lists a bare array; everybody else an object with "data".
            JsonElement list = root.ValueKind == JsonValueKind.Object && root.TryGetProperty("data", out JsonElement data) ? data : root;
            if (list.ValueKind != JsonValueKind.Array)
                return null;
            return
            [
                .. list.EnumerateArray()
                    .Select(static item => item.ValueKind == JsonValueKind.Object && item.TryGetProperty("id", out JsonElement id) && id.ValueKind == JsonValueKind.String ? id.GetString() : null)
                    .OfType<string>()
                    .Where(static id => id.Length is > 0 and <= 256 && !id.AsSpan().ContainsAnyInRange('\0', ' '))
                    .Distinct(StringComparer.Ordinal)
                    .Take(MostModels),
            ];
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null; // nobody there, or nobody we understand: both mean there is nothing to offer
        }
    }

    public void Dispose() => _http.Dispose();
}
