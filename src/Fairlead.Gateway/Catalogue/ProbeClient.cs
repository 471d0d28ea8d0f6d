using System.Net;
using System.Text.Json;

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

    /// <summary>Model ids from <c>GET {baseUrl}/models</c>; null when there is nobody, or nobody who speaks the dialect.</summary>
    public async Task<IReadOnlyList<string>?> ModelsAsync(Uri baseUrl, string? key, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(baseUrl.ToString().TrimEnd('/') + "/models"));
            if (key is not null)
                request.Headers.Authorization = new("Bearer", key);
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
