using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Domain.Money;

namespace Fairlead.Api;

/// <summary>What became of a streamed chat.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Provider">Who served; empty when nobody did.</param>
/// <param name="Cost">What it cost.</param>
/// <param name="Error">What went wrong, in the server's words; null when nothing did.</param>
public sealed record ChatOutcome(HttpStatusCode Status, string Provider, NanoDollars Cost, string? Error);

/// <summary>Chats over the data plane with a key, as any OpenAI client does.</summary>
/// <param name="baseAddress">Of the data plane, without <c>/v1</c>.</param>
/// <param name="key">The API key.</param>
public sealed class ChatConnection(Uri baseAddress, string key) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = baseAddress, Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Sends a streaming request and hands on each piece of content as it comes.</summary>
    public async Task<ChatOutcome> StreamAsync(JsonObject request, Action<string> onContent, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(request.ToJsonString(), Encoding.UTF8, "application/json") };
        message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            return new ChatOutcome(HttpStatusCode.BadGateway, "", default, $"The server could not be reached: {e.Message}");
        }
        using (response)
        {
            string provider = response.Headers.TryGetValues("x-fairlead-provider", out IEnumerable<string>? values) ? values.First() : "";
            if (!response.IsSuccessStatusCode)
                return new ChatOutcome(response.StatusCode, provider, default, ErrorOf(await response.Content.ReadAsStringAsync(cancellationToken)));
            NanoDollars cost = default;
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken), Encoding.UTF8);
            while (await reader.ReadLineAsync(cancellationToken) is { } line)
            {
                if (!line.StartsWith("data: {", StringComparison.Ordinal))
                    continue;
                using JsonDocument chunk = JsonDocument.Parse(line[6..]);
                JsonElement root = chunk.RootElement;
                if (root.TryGetProperty("error", out _))
                    return new ChatOutcome(response.StatusCode, provider, cost, ErrorOf(line[6..]));
                if (root.TryGetProperty("usage", out JsonElement usage) && usage.ValueKind == JsonValueKind.Object && usage.TryGetProperty("cost", out JsonElement amount)
                    && NanoDollars.TryParseDollars(amount.GetRawText(), out NanoDollars told))
                {
                    cost = told;
                }
                if (root.TryGetProperty("choices", out JsonElement choices) && choices.GetArrayLength() > 0 && choices[0].TryGetProperty("delta", out JsonElement delta)
                    && delta.TryGetProperty("content", out JsonElement content) && content.ValueKind == JsonValueKind.String)
                {
                    onContent(content.GetString()!);
                }
            }
            return new ChatOutcome(response.StatusCode, provider, cost, null);
        }
    }

    public void Dispose() => _http.Dispose();

    private static string ErrorOf(string body)
    {
        try
        {
            return JsonNode.Parse(body)?["error"]?["message"]?.GetValue<string>() ?? body;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return body;
        }
    }
}
