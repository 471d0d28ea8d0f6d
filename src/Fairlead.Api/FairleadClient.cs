using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Fairlead.Api;

/// <summary>The admin API over the server's Unix domain socket. Whoever may open the socket may administer; there is no other credential.</summary>
public sealed class FairleadClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly TimeSpan _timeout;

    /// <param name="socketPath">Path of the server's control socket.</param>
    /// <param name="timeout">Longest wait for one answer.</param>
    public FairleadClient(string socketPath, TimeSpan timeout)
    {
        _http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        })
        { BaseAddress = new Uri("http://fairlead/"), Timeout = Timeout.InfiniteTimeSpan };
        _timeout = timeout;
    }

    public Task<ServerStatus> StatusAsync(CancellationToken cancellationToken) => GetAsync("api/status", ApiJson.Default.ServerStatus, cancellationToken);

    public Task<List<ModelView>> ModelsAsync(string? search, string? provider, CancellationToken cancellationToken) =>
        GetAsync($"api/models?search={Escape(search)}&provider={Escape(provider)}", ApiJson.Default.ListModelView, cancellationToken);

    public Task<List<KeyView>> KeysAsync(CancellationToken cancellationToken) => GetAsync("api/keys", ApiJson.Default.ListKeyView, cancellationToken);

    public Task<NewKey> CreateKeyAsync(KeyRequest request, CancellationToken cancellationToken) =>
        PostAsync("api/keys", request, ApiJson.Default.KeyRequest, ApiJson.Default.NewKey, cancellationToken);

    public Task<KeyView> RevokeKeyAsync(string nameOrId, CancellationToken cancellationToken) =>
        PostAsync($"api/keys/{Escape(nameOrId)}/revoke", new RotateRequest(null), ApiJson.Default.RotateRequest, ApiJson.Default.KeyView, cancellationToken);

    public Task<NewKey> RotateKeyAsync(string nameOrId, string? overlap, CancellationToken cancellationToken) =>
        PostAsync($"api/keys/{Escape(nameOrId)}/rotate", new RotateRequest(overlap), ApiJson.Default.RotateRequest, ApiJson.Default.NewKey, cancellationToken);

    public Task<List<RequestLine>> RequestsAsync(int limit, string? before, bool failed, string? key, string? model, CancellationToken cancellationToken) =>
        GetAsync($"api/requests?limit={limit}&before={Escape(before)}&failed={(failed ? "true" : "false")}&key={Escape(key)}&model={Escape(model)}", ApiJson.Default.ListRequestLine, cancellationToken);

    /// <summary>The decision record of one request, as the server writes it.</summary>
    public async Task<JsonDocument> RequestAsync(string id, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, $"api/requests/{Escape(id)}", null, cancellationToken);
        return await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(cancellationToken), cancellationToken: cancellationToken);
    }

    public Task<List<UsageLine>> UsageAsync(string since, string by, CancellationToken cancellationToken) =>
        GetAsync($"api/usage?since={Escape(since)}&by={Escape(by)}", ApiJson.Default.ListUsageLine, cancellationToken);

    public Task<LedgerReport> VerifyLedgerAsync(CancellationToken cancellationToken) => GetAsync("api/ledger/verify", ApiJson.Default.LedgerReport, cancellationToken);

    public Task<List<DoctorCheck>> DoctorAsync(CancellationToken cancellationToken) => GetAsync("api/doctor", ApiJson.Default.ListDoctorCheck, cancellationToken);

    public Task<LocalFleet> LocalAsync(CancellationToken cancellationToken) => GetAsync("api/local", ApiJson.Default.LocalFleet, cancellationToken);

    /// <summary>Has a model served until the server stops; it is not loaded yet.</summary>
    public Task<LocalModelView> RunAsync(RunRequest request, CancellationToken cancellationToken) =>
        PostAsync("api/local", request, ApiJson.Default.RunRequest, ApiJson.Default.LocalModelView, cancellationToken);

    /// <summary>Loads a model and waits until it answers, however long that takes.</summary>
    public async Task<LocalModelView> LoadAsync(string name, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Post, $"api/local/{Escape(name)}/load", null, Timeout.InfiniteTimeSpan, cancellationToken);
        return await ReadAsync(response, ApiJson.Default.LocalModelView, cancellationToken);
    }

    /// <summary>Unloads a model and waits until its process is gone: for as long as its last answers take, unless <paramref name="now"/> breaks them off.</summary>
    public async Task<StopReport> StopAsync(string name, bool now, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Post, $"api/local/{Escape(name)}/stop?now={(now ? "true" : "false")}", null, Timeout.InfiniteTimeSpan, cancellationToken);
        return await ReadAsync(response, ApiJson.Default.StopReport, cancellationToken);
    }

    /// <param name="name">The model.</param>
    /// <param name="after">0 for all that is kept; <see cref="LogView.Next"/> of the last answer for what came since.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<LogView> LogsAsync(string name, long after, CancellationToken cancellationToken) =>
        GetAsync($"api/local/{Escape(name)}/logs?after={after}", ApiJson.Default.LogView, cancellationToken);

    public void Dispose() => _http.Dispose();

    private async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, path, null, cancellationToken);
        return await ReadAsync(response, type, cancellationToken);
    }

    private async Task<TOut> PostAsync<TIn, TOut>(string path, TIn body, JsonTypeInfo<TIn> type, JsonTypeInfo<TOut> answer, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Post, path, JsonContent.Create(body, type), cancellationToken);
        return await ReadAsync(response, answer, cancellationToken);
    }

    private Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? body, CancellationToken cancellationToken) =>
        SendAsync(method, path, body, _timeout, cancellationToken);

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? body, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        late.CancelAfter(timeout);
        HttpResponseMessage response;
        try
        {
            using var request = new HttpRequestMessage(method, path) { Content = body };
            response = await _http.SendAsync(request, late.Token);
        }
        catch (HttpRequestException e)
        {
            throw new ApiException(0, new ApiError("not_running", "No Fairlead server answers here. Start one with 'fairlead serve', or name its configuration with --config."), e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ApiException(0, new ApiError("timeout", $"The server did not answer within {timeout.TotalSeconds:0} s. Look at its log, or give --timeout."), e);
        }
        if (response.IsSuccessStatusCode)
            return response;
        using (response)
        {
            ApiError error;
            try
            {
                error = await ReadAsync(response, ApiJson.Default.ApiError, cancellationToken);
            }
            catch (JsonException)
            {
                error = new ApiError("unexpected", $"The server answered {(int)response.StatusCode} in a form this version does not know. Are both of one version?");
            }
            throw new ApiException((int)response.StatusCode, error);
        }
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        await JsonSerializer.DeserializeAsync(await response.Content.ReadAsStreamAsync(cancellationToken), type, cancellationToken)
        ?? throw new JsonException("The answer is null.");

    private static string Escape(string? text) => Uri.EscapeDataString(text ?? "");
}
