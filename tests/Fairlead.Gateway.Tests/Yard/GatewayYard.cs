using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Money;
using Fairlead.Gateway.Settings;
using Fairlead.Shared;
using Microsoft.Extensions.Logging.Abstractions;

namespace Fairlead.Gateway.Tests.Yard;

/// <summary>A whole gateway in this process: real Kestrel, real journal, real SQLite in a folder of its own.</summary>
internal sealed class GatewayYard : IAsyncDisposable
{
    /// <summary>A clock of the gateway that a test waits for.</summary>
    public static readonly TimeSpan Stall = TimeSpan.FromSeconds(1);

    /// <summary>How long a test waits for what is not the work of such a clock. They are longer, so that what comes about within it is not their doing.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>All clocks of which a test says nothing: a busy machine must not look as if a provider had stalled.</summary>
    private static readonly TimeSpan NoStall = 2 * Patience;

    private readonly GatewaySettings _settings;
    private readonly TimeProvider _time;
    private readonly string _folder;
    private readonly GatewayServer _server;
    private bool _folderIsAnothers;

    private GatewayYard(GatewayServer server, GatewaySettings settings, TimeProvider time, HttpClient http)
    {
        _server = server;
        _settings = settings;
        _time = time;
        _folder = settings.DataFolder;
        Http = http;
    }

    public HttpClient Http { get; }

    public GatewayServer Server => _server;

    public string Folder => _folder;

    public string FirstKey => File.ReadAllText(Path.Combine(_folder, "first-key")).Trim();

    public string KeyOf(string name) => File.ReadAllText(Path.Combine(_folder, "keys", name)).Trim();

    public int Port => _server.Summary.Listen.Port;

    public static async Task<GatewayYard> StartAsync(
        IEnumerable<ProviderSettings> providers, Func<GatewaySettings, GatewaySettings>? change = null, TimeProvider? time = null,
        Microsoft.Extensions.Logging.ILoggerFactory? loggers = null)
    {
        string folder = Directory.CreateTempSubdirectory("fairlead-yard-").FullName;
        var settings = new GatewaySettings
        {
            Listen = new IPEndPoint(IPAddress.Loopback, FreePort.Take()),
            DataFolder = folder,
            Discover = false,
            Providers = [.. providers],
            Keys = [new KeySettings("rich", new KeyLimits { Budget = new Budget(new NanoDollars(1_000_000 * NanoDollars.PerDollar), BudgetPeriod.Month) })],
            Dispatch = new DispatchSettings
            {
                Connect = NoStall,
                Headers = NoStall,
                FirstToken = NoStall,
                Idle = NoStall,
            },
        };
        return await OpenAsync(change?.Invoke(settings) ?? settings, time ?? TimeProvider.System, loggers ?? NullLoggerFactory.Instance);
    }

    /// <summary>Stops this gateway and starts another on its data folder, as after an update.</summary>
    public async Task<GatewayYard> RestartAsync()
    {
        Http.Dispose();
        await _server.DisposeAsync();
        _folderIsAnothers = true;
        return await OpenAsync(_settings with { Listen = new IPEndPoint(IPAddress.Loopback, FreePort.Take()) }, _time, NullLoggerFactory.Instance);
    }

    private static async Task<GatewayYard> OpenAsync(GatewaySettings settings, TimeProvider time, Microsoft.Extensions.Logging.ILoggerFactory loggers)
    {
        GatewayServer server = await GatewayServer.StartAsync(settings, time, loggers, new ConfigurationHooks(static _ => Task.FromResult<string?>(null), static request => (new LocalModelSettings(request.Name, request.Source), null)), default);
        // A disposed answer closes its connection at once, as a caller who hangs up does.
        var http = new HttpClient(new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero }) { BaseAddress = new Uri($"http://127.0.0.1:{settings.Listen.Port}"), Timeout = 2 * NoStall };
        var yard = new GatewayYard(server, settings, time, http);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", yard.KeyOf("rich"));
        return yard;
    }

    /// <summary>Puts changed settings in force, as a reload does.</summary>
    public Task ApplyAsync(Func<GatewaySettings, GatewaySettings> change) => _server.ApplyAsync(change(_settings), default);

    /// <summary>A client with another key of the yard, or with none.</summary>
    public HttpClient Client(string? key = null)
    {
        var http = new HttpClient(new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero }) { BaseAddress = Http.BaseAddress, Timeout = Http.Timeout };
        if (key is not null)
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return http;
    }

    /// <summary>Asks the admin API over its socket.</summary>
    public async Task<(int Status, JsonElement Json)> AdminAsync(HttpMethod method, string path, string? body = null)
    {
        string socketPath = ControlSocket.PathFor(_folder);
        using var http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, stop) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), stop);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        using var request = new HttpRequestMessage(method, "http://control" + path);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await http.SendAsync(request);
        return ((int)response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.Clone());
    }

    /// <summary>Makes a key; <paramref name="limits"/> are members of the admin API's body.</summary>
    public async Task<string> MakeKeyAsync(string name, string limits = "")
    {
        (int status, JsonElement made) = await AdminAsync(HttpMethod.Post, "/api/keys", $"{{\"name\":\"{name}\"{limits}}}");
        Assert.Equal(201, status);
        return made.GetProperty("key").GetString()!;
    }

    public static ProviderSettings Provider(string name, string url, params string[] models) => new()
    {
        Name = name,
        Url = new Uri(url),
        Models = [.. models.Select(static m => new ProviderModelSettings
        {
            HubId = "acme/" + m,
            ProviderModelId = m,
            Price = new OfferPrice(new TokenPrice(new NanoDollars(200_000_000)), new TokenPrice(new NanoDollars(600_000_000))),
            ContextLength = 131_072,
            Tools = true,
        })],
    };

    /// <summary>Sends a chat; <paramref name="more"/> is spliced into the body as it stands.</summary>
    public async Task<Answer> ChatAsync(string model, bool stream = false, string more = "", string path = "/v1/chat/completions")
    {
        string body = $"{{\"model\":\"{model}\",\"stream\":{(stream ? "true" : "false")},\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]{more}}}";
        return await PostAsync(path, body);
    }

    /// <summary>Reads a stream until what matches has come, whatever comments come before it; all that it has read.</summary>
    public static async Task<string> HearAsync(HttpResponseMessage response, [StringSyntax(StringSyntaxAttribute.Regex)] string pattern)
    {
        Stream body = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        var heard = new StringBuilder();
        byte[] buffer = new byte[1024];
        while (!Regex.IsMatch(heard.ToString(), pattern))
        {
            int read = await body.ReadAsync(buffer, TestContext.Current.CancellationToken);
            Assert.True(read > 0, $"It ended without '{pattern}': {heard}");
            heard.Append(Encoding.UTF8.GetString(buffer, 0, read));
        }
        return heard.ToString();
    }

    /// <summary>Asks the same at the door of a dialect.</summary>
    public Task<Answer> AskAsync(Dialect door, string model, bool stream = false, string more = "") => door == Dialect.Anthropic
        ? ChatAsync(model, stream, more.Contains("\"max_tokens\":", StringComparison.Ordinal) ? more : more + ",\"max_tokens\":1000", "/v1/messages")
        : ChatAsync(model, stream, more);

    public async Task<Answer> PostAsync(string path, string body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        foreach ((string name, string value) in headers)
            request.Headers.Add(name, value);
        using HttpResponseMessage response = await Http.SendAsync(request);
        return new Answer(response, await response.Content.ReadAsStringAsync());
    }

    /// <summary>The decision record of an answer.</summary>
    public async Task<JsonElement> RecordAsync(Answer answer)
    {
        string text = await Http.GetStringAsync($"/v1/requests/{answer.Header("x-fairlead-request-id")}");
        return JsonDocument.Parse(text).RootElement.Clone();
    }

    public async ValueTask DisposeAsync()
    {
        if (_folderIsAnothers)
            return;
        Http.Dispose();
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>An answer, read whole.</summary>
internal sealed class Answer(HttpResponseMessage response, string body)
{
    private readonly Dictionary<string, string> _headers = response.Headers.Concat(response.Content.Headers).ToDictionary(static h => h.Key, static h => string.Join(", ", h.Value), StringComparer.OrdinalIgnoreCase);

    public int Status { get; } = (int)response.StatusCode;
    public string Body { get; } = body;

    public string? Header(string name) => _headers.GetValueOrDefault(name);

    public JsonElement Json => JsonDocument.Parse(Body).RootElement.Clone();

    /// <summary>The error's code, whether it came as a status or as the last event of a stream; null when there is none.</summary>
    public string? ErrorCode
    {
        get
        {
            JsonElement told = Status != 200 ? Json : Events.LastOrDefault(static e => e.TryGetProperty("error", out _));
            if (told.ValueKind != JsonValueKind.Object)
                return null;
            JsonElement error = told.GetProperty("error");
            return (error.TryGetProperty("details", out JsonElement details) ? details.GetProperty("error_code") : error.GetProperty("code")).GetString();
        }
    }

    /// <summary>All content of a stream, or of a whole answer, in either dialect.</summary>
    public string Content => Body.StartsWith('{') ? Said(Json) : string.Concat(Events.Select(Said));

    public IEnumerable<JsonElement> Events => Body.Split('\n').Where(static line => line.StartsWith("data: {", StringComparison.Ordinal)).Select(static line => JsonDocument.Parse(line[6..]).RootElement.Clone());

    /// <summary>Whether a stream has its orderly end, once, as its dialect has it.</summary>
    public bool IsWhole(Dialect door) => door == Dialect.Anthropic
        ? Body.Split("event: message_stop\n").Length == 2 && Events.Last().GetProperty("type").GetString() == "message_stop"
        : Body.Split("[DONE]").Length == 2 && EndsWithDone;

    private static string Said(JsonElement json)
    {
        if (json.TryGetProperty("choices", out JsonElement choices))
        {
            return choices.GetArrayLength() > 0 && choices[0].TryGetProperty(choices[0].TryGetProperty("delta", out _) ? "delta" : "message", out JsonElement part) && part.TryGetProperty("content", out JsonElement content)
                ? content.GetString() ?? "" : "";
        }
        if (json.TryGetProperty("content", out JsonElement blocks) && blocks.ValueKind == JsonValueKind.Array)
            return string.Concat(blocks.EnumerateArray().Select(static b => b.TryGetProperty("text", out JsonElement text) ? text.GetString() : ""));
        return json.TryGetProperty("delta", out JsonElement delta) && delta.TryGetProperty("text", out JsonElement piece) ? piece.GetString()! : "";
    }

    public bool EndsWithDone => Body.EndsWith("data: [DONE]\n\n", StringComparison.Ordinal);
}
