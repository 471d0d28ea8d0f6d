using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Fairlead.Yard;

namespace Fairlead.Conformance;

/// <summary>What one caller saw of one request.</summary>
/// <param name="Id">The <c>x-fairlead-request-id</c>.</param>
/// <param name="Status">Of the answer.</param>
/// <param name="Complete">The whole answer arrived: <c>[DONE]</c>, or JSON to its last byte.</param>
/// <param name="Cost"><c>usage.cost</c> as decimal text; null where there was none.</param>
/// <param name="Code"><c>error.code</c>; null where there was none.</param>
public sealed record Seen(string Id, int Status, bool Complete, decimal? Cost, string? Code);

/// <summary>Callers by the hundred, each on its own connection.</summary>
public sealed class Load : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 2_000, PooledConnectionLifetime = TimeSpan.FromMinutes(5) }) { Timeout = TimeSpan.FromSeconds(60) };

    /// <summary>One request; null when the connection broke, so that the caller knows nothing.</summary>
    public async Task<Seen?> AskAsync(FairleadProcess fairlead, string key, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, fairlead.BaseUrl + "/v1/chat/completions")
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        try
        {
            using HttpResponseMessage answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            string id = answer.Headers.GetValues("x-fairlead-request-id").First();
            string text = await answer.Content.ReadAsStringAsync();
            if (answer.Content.Headers.ContentType?.MediaType == "text/event-stream")
                return new Seen(id, (int)answer.StatusCode, text.Contains("data: [DONE]", StringComparison.Ordinal), null, null);
            using JsonDocument json = JsonDocument.Parse(text);
            return answer.StatusCode == HttpStatusCode.OK
                ? new Seen(id, 200, true, json.RootElement.GetProperty("usage").GetProperty("cost").GetDecimal(), null)
                : new Seen(id, (int)answer.StatusCode, true, null, json.RootElement.GetProperty("error").GetProperty("code").GetString());
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return null;
        }
    }

    public void Dispose() => _http.Dispose();
}
