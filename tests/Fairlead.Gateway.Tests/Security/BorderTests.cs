using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Fairlead.Gateway.Identity;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Security;

/// <summary>What crosses the gateway's borders: headers in both directions, host names, origins, the admin API, strangers with wrong keys.</summary>
public sealed class BorderTests : IAsyncLifetime
{
    private readonly FaultWall _wall = new();
    private GatewayYard _yard = null!;

    /// <summary>G-03, H-02: of the caller's headers none goes upstream; of the upstream's only its own id and limits are known, and none comes through.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_header_crosses_that_is_not_on_a_list(bool stream)
    {
        string? head = null;
        _wall.On("m", async (c, _) =>
        {
            head = c.Head;
            string body = c.Streams ? Scripts.Chunk("{\"content\":\"x\"}") + Scripts.Finish() + Scripts.Usage(1, 1) + Scripts.Done : Scripts.Full("x");
            await c.SendAsync($"HTTP/1.1 200 OK\r\ncontent-type: {(c.Streams ? "text/event-stream" : "application/json")}\r\ncontent-length: {Encoding.UTF8.GetByteCount(body)}\r\n"
                + "set-cookie: evil=CANARY\r\nserver: CANARY\r\naccess-control-allow-origin: https://CANARY.example\r\ncontent-security-policy: CANARY\r\nalt-svc: h3=\"CANARY:443\"\r\n"
                + "proxy-authenticate: CANARY\r\nstrict-transport-security: CANARY\r\nlocation: https://CANARY.example\r\nx-fairlead-cost: CANARY\r\nx-request-id: upstream-1\r\nx-custom: CANARY\r\n\r\n" + body);
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent($"{{\"model\":\"acme/m\",\"stream\":{(stream ? "true" : "false")},\"messages\":[{{\"role\":\"user\",\"content\":\"x\"}}]}}"),
        };
        foreach (string name in new[]
                 {
                     "cookie", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded", "x-real-ip", "proxy-authorization", "te", "x-custom", "referer", "origin", "openai-organization",
                     "openai-project", "helicone-auth", "x-api-base", "x-base-url", "anthropic-beta", "traceparent", "accept-language", "via", "x-stainless-os",
                 })
        {
            request.Headers.TryAddWithoutValidation(name, "CANARY");
        }
        using HttpResponseMessage response = await _yard.Http.SendAsync(request);
        string answer = await response.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.DoesNotContain("CANARY", head, StringComparison.Ordinal);
        Assert.DoesNotContain(_yard.KeyOf("rich"), head, StringComparison.Ordinal);
        Assert.DoesNotContain("CANARY", response.Headers.ToString() + response.Content.Headers + answer, StringComparison.Ordinal);
        Assert.False(response.Headers.Contains("set-cookie") || response.Headers.Contains("server"));
    }

    /// <summary>G-02: a line end in whatever a caller or an upstream names never begins a header.</summary>
    [Fact]
    public async Task No_value_breaks_out_of_its_header()
    {
        string[] breaks = ["\\r\\nx-evil: 1", "\\nx-evil: 1", "\\rx-evil: 1", "\\u0000x-evil: 1", "\\u2028x-evil: 1", "\\u0085x-evil: 1", "\\u010d\\u010ax-evil: 1", "é\\r\\n\\r\\n<html>"];
        string[] bodies =
        [
            "{\"model\":\"BREAK\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
            "{\"model\":\"acme/m:BREAK\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
            "{\"model\":\"acme/m\",\"models\":[\"BREAK\"],\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
            "{\"model\":\"acme/m\",\"provider\":{\"order\":[\"BREAK\"]},\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
            "{\"model\":\"acme/m\",\"provider\":{\"sort\":\"BREAK\"},\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
            "{\"model\":\"acme/m\",\"provider\":{\"BREAK\":1},\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
            "{\"model\":\"acme/says\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
            "{\"model\":\"acme/m\",\"messages\":[{\"role\":\"BREAK\",\"content\":\"x\"}]}",
            "{\"model\":\"acme/m\",\"temperature\":\"BREAK\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
            "{\"model\":\"acme/m\",\"BREAK\":1,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
        ];
        foreach (string part in breaks)
        {
            _wall.On("says", Scripts.Status(400, $"{{\"error\":{{\"message\":\"no {part}\",\"code\":\"{part}\",\"type\":\"{part}\"}}}}"));
            foreach (string body in bodies)
            {
                string wire = await RawAsync("POST /v1/chat/completions", "localhost", body.Replace("BREAK", part, StringComparison.Ordinal), "authorization: Bearer " + _yard.KeyOf("rich"));
                string head = wire[..wire.IndexOf("\r\n\r\n", StringComparison.Ordinal)];
                Assert.DoesNotContain(head.Split("\r\n"), static line => line.StartsWith("x-evil", StringComparison.OrdinalIgnoreCase));
                Assert.All(head, static c => Assert.True(c is '\r' or '\n' or (>= ' ' and <= '~')));
                Assert.Equal(head.Split("\r\n").Length, head.Split('\n').Length);
            }
        }
    }

    /// <summary>K-03, lesson 16: a page that rebinds its own name to our address is of no origin of ours.</summary>
    [Theory]
    [InlineData("localhost", true)]
    [InlineData("localhost:8080", true)]
    [InlineData("LOCALHOST:1", true)]
    [InlineData("app.localhost", true)]
    [InlineData("127.0.0.1:8080", true)]
    [InlineData("[::1]:8080", true)]
    [InlineData("192.168.1.7", true)]
    [InlineData("evil.test", false)]
    [InlineData("evil.test:8080", false)]
    [InlineData("localhost.evil.test", false)]
    [InlineData("127.0.0.1.evil.test", false)]
    [InlineData("127.0.0.1.nip.io", false)]
    [InlineData("evillocalhost", false)]
    [InlineData("localhost@evil.test", false)]
    [InlineData("xn--localhost-x.test", false)]
    public async Task Only_names_that_cannot_be_rebound_are_answered_to(string host, bool answered)
    {
        foreach (string route in new[] { "GET /v1/models", "GET /health", "GET /metrics", "POST /v1/chat/completions", "OPTIONS /v1/chat/completions" })
        {
            string wire = await RawAsync(route, host, "{}", "origin: http://" + host.Split('@')[^1]);
            if (answered)
                Assert.DoesNotMatch("^HTTP/1.1 421 ", wire);
            else
                Assert.Matches("^HTTP/1.1 (421|400) ", wire);
        }
        Assert.Equal(0, _wall.Arrivals("m"));
    }

    [Fact]
    public async Task The_host_guard_looks_at_an_absolute_request_target_too() =>
        Assert.Matches("^HTTP/1.1 (421|400) ", await RawAsync("GET http://evil.test/v1/models", "localhost", "", ""));

    /// <summary>G-05: with origins configured only those get the header, by the whole of their name.</summary>
    [Theory]
    [InlineData("https://app.example", true)]
    [InlineData("https://APP.example", true)]
    [InlineData("http://app.example", false)]
    [InlineData("https://app.example:8443", false)]
    [InlineData("https://app.example.evil.test", false)]
    [InlineData("https://evilapp.example", false)]
    [InlineData("https://sub.app.example", false)]
    [InlineData("https://app.example/", false)]
    [InlineData("https://app.example, https://evil.test", false)]
    [InlineData("null", false)]
    [InlineData("*", false)]
    [InlineData("", false)]
    public async Task Only_the_configured_origins_may_read(string origin, bool allowed)
    {
        await _yard.ApplyAsync(static settings => settings with { CorsOrigins = ["https://app.example"] });
        string wire = await RawAsync("GET /v1/models", "localhost", "", "origin: " + origin);
        Assert.Equal(allowed, wire.Contains("access-control-allow-origin", StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain("allow-credentials", wire, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>A-01: nothing of the admin API answers on the data plane, nor does anything else that is well known.</summary>
    [Fact]
    public async Task The_admin_API_is_on_its_socket_only()
    {
        string[] paths =
        [
            "/api", "/api/status", "/api/models", "/api/keys", "/api/keys/rich/revoke", "/api/requests", "/api/usage", "/api/ledger/verify", "/api/doctor", "/api/config/reload", "/admin", "/dashboard", "/login",
            "/swagger", "/swagger/index.html", "/openapi.json", "/openapi/v1.json", "/docs", "/debug/pprof", "/debug/vars", "/actuator", "/actuator/env", "/env", "/.env", "/config", "/fairlead.yaml", "/first-key", "/pepper", "/store.db",
            "/%2e%2e/pepper", "/v1/../api/keys", "//api/keys", "/API/KEYS", "/api;x/keys", "/v1/models/..%2f..%2fapi%2fkeys", "/key/generate", "/v1/internal", "/server-status", "/phpinfo.php", "/.git/config",
        ];
        Assert.InRange(paths.Length, 40, 100);
        foreach (string path in paths)
        {
            foreach (string method in new[] { "GET", "POST" })
            {
                string wire = await RawAsync($"{method} {path}", "localhost", method == "POST" ? "{}" : "", "authorization: Bearer " + _yard.KeyOf("rich"));
                Assert.Matches("^HTTP/1.1 (404|405|400) ", wire);
            }
        }
    }

    /// <summary>A-02: whoever shows no key gets these and nothing else.</summary>
    [Fact]
    public async Task Without_a_key_there_are_the_models_health_and_metrics_of_this_machine()
    {
        var open = new List<string>();
        foreach (Microsoft.AspNetCore.Routing.RouteEndpoint route in _yard.Server.DataRoutes)
        {
            string pattern = route.RoutePattern.RawText!;
            string method = route.Metadata.GetMetadata<Microsoft.AspNetCore.Routing.HttpMethodMetadata>()?.HttpMethods[0] ?? "GET";
            string path = pattern.Replace("{**id}", "acme/m", StringComparison.Ordinal).Replace("{id}", "req_x", StringComparison.Ordinal);
            if (path.Contains('{', StringComparison.Ordinal))
                continue; // the fallback: a 404 for everybody
            string wire = await RawAsync($"{method} {path}", "localhost", method == "POST" ? "{}" : "", "");
            if (!wire.StartsWith("HTTP/1.1 401 ", StringComparison.Ordinal))
                open.Add(pattern);
        }
        Assert.Equal(["/health", "/metrics", "/v1/models", "/v1/models/{**id}"], open.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_control_socket_and_its_folder_are_the_owners_alone()
    {
        const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(Owner, File.GetUnixFileMode(ControlSocket.PathFor(_yard.Folder)));
        Assert.Equal(Owner | UnixFileMode.UserExecute, File.GetUnixFileMode(_yard.Folder));
        foreach (string file in Directory.EnumerateFileSystemEntries(_yard.Folder, "*", SearchOption.AllDirectories))
            Assert.Equal(0, (int)(File.GetUnixFileMode(file) & ~(Owner | UnixFileMode.UserExecute)));
    }

    /// <summary>C-09: guessing is slow from one network; whoever has a right key is served all the while.</summary>
    [Fact]
    public void Wrong_keys_are_throttled_by_network_and_a_crowd_of_addresses_stays_within_the_bound()
    {
        var throttle = new WrongKeyThrottle(TimeProvider.System);
        for (int i = 0; i < 20; i++)
            Assert.Null(throttle.Blocks(IPAddress.Parse("203.0.113.5")));
        Assert.InRange(throttle.Blocks(IPAddress.Parse("203.0.113.5"))!.Value.TotalSeconds, 1, 60);
        Assert.Null(throttle.Blocks(IPAddress.Parse("203.0.113.6")));
        for (int i = 0; i < 20; i++)
            Assert.Null(throttle.Blocks(IPAddress.Parse($"2001:db8:1:2::{i + 1:x}")));
        Assert.NotNull(throttle.Blocks(IPAddress.Parse("2001:db8:1:2:ffff::1")));
        Assert.Null(throttle.Blocks(IPAddress.Parse("2001:db8:1:3::1")));
        Assert.NotNull(throttle.Blocks(IPAddress.Parse("::ffff:203.0.113.5")));
        for (int i = 0; i < 50_000; i++)
            throttle.Blocks(new IPAddress([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i]));
        Assert.InRange(throttle.Addresses, 1, WrongKeyThrottle.MostAddresses);
    }

    /// <summary>M-05, architecture §8: each table that callers can make grow has a metric of how full it is and one of its bound.</summary>
    [Fact]
    public async Task Every_bounded_table_tells_its_bound()
    {
        string page = await _yard.Http.GetStringAsync("/metrics");
        foreach (string name in new[] { "fairlead_running", "fairlead_journal_unshipped", "fairlead_late_closes", "fairlead_idempotency_marks", "fairlead_idempotency_answers", "fairlead_sessions", "fairlead_wrong_keys_addresses" })
        {
            string[] lines = [.. page.Split('\n').Where(line => line.StartsWith(name, StringComparison.Ordinal))];
            Assert.Contains(lines, static line => line.Contains("_limit", StringComparison.Ordinal));
            Assert.Contains(lines, static line => !line.Contains("_limit", StringComparison.Ordinal));
        }
    }

    public async ValueTask InitializeAsync()
    {
        _wall.On("m", Scripts.Good());
        _yard = await GatewayYard.StartAsync([GatewayYard.Provider("wall", _wall.Url, "m", "says")], static settings => settings with { Dispatch = new DispatchSettings() });
    }

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _wall.DisposeAsync();
    }

    /// <summary>Sends bytes as they are and returns the answer as it came.</summary>
    private async Task<string> RawAsync(string line, string host, string body, string header)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, _yard.Port);
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        string extra = header.Length > 0 ? header + "\r\n" : "";
        await socket.SendAsync(Encoding.Latin1.GetBytes($"{line} HTTP/1.1\r\nhost: {host}\r\n{extra}content-type: application/json\r\ncontent-length: {bytes.Length}\r\nconnection: close\r\n\r\n"));
        if (bytes.Length > 0)
            await socket.SendAsync(bytes);
        var answer = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (true)
        {
            int read = await socket.ReceiveAsync(buffer);
            if (read == 0)
                return Encoding.Latin1.GetString(answer.ToArray());
            answer.Write(buffer, 0, read);
        }
    }
}
