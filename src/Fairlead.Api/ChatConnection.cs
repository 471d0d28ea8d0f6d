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
/// <param name="RequestId">As <c>req_…</c>; empty when nobody answered.</param>
/// <param name="Error">What went wrong, in the server's words; null when nothing did.</param>
/// <param name="Code">The error's code; null when there is none.</param>
public sealed record ChatOutcome(HttpStatusCode Status, string Provider, NanoDollars Cost, string RequestId = "", string? Error = null, string? Code = null);

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
            return new ChatOutcome(HttpStatusCode.BadGateway, "", default, Error: $"The server could not be reached: {e.Message}. Look at its log, and at 'fairlead doctor'.");
        }
        using (response)
        {
            string provider = Header(response, "x-fairlead-provider");
            string id = Header(response, "x-fairlead-request-id");
            if (!response.IsSuccessStatusCode)
                return Failed(response.StatusCode, provider, default, id, await response.Content.ReadAsStringAsync(cancellationToken));
            NanoDollars cost = default;
            bool done = false;
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken), Encoding.UTF8);
            try
            {
                while (await reader.ReadLineAsync(cancellationToken) is { } line)
                {
                    done |= line == "data: [DONE]";
                    if (!line.StartsWith("data: {", StringComparison.Ordinal))
                        continue;
                    using JsonDocument chunk = JsonDocument.Parse(line[6..]);
                    JsonElement root = chunk.RootElement;
                    if (root.TryGetProperty("error", out _))
                        return Failed(response.StatusCode, provider, cost, id, line[6..]);
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
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
                done = false;
            }
            return done
                ? new ChatOutcome(response.StatusCode, provider, cost, id)
                : new ChatOutcome(response.StatusCode, provider, cost, id, $"The connection broke off in mid-answer. 'fairlead requests show {id}' tells what became of it.");
        }
    }

    public void Dispose() => _http.Dispose();

    private static string Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.First() : "";

    private static ChatOutcome Failed(HttpStatusCode status, string provider, NanoDollars cost, string id, string body)
    {
        try
        {
            JsonNode? error = JsonNode.Parse(body)?["error"];
            return new ChatOutcome(status, provider, cost, id, error?["message"]?.GetValue<string>() ?? body, error?["code"]?.GetValue<string>());
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return new ChatOutcome(status, provider, cost, id, body);
        }
    }
}
