using System.Net;
using System.Text;
using System.Text.Json;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Security;

/// <summary>M-01 to M-06: secrets and texts are planted wherever they can come in, and looked for wherever anything goes out, at the most talkative log level.</summary>
public sealed class CanaryTests : IAsyncLifetime
{
    private const string Prompt = "CANARYPROMPTq8Zr";
    private const string Completion = "CANARYCOMPLETIONw3Ty";
    private readonly FaultWall _wall = new();
    private readonly EveryLine _log = new();
    private GatewayYard _yard = null!;

    /// <summary>Forty kinds of secrets as providers have been seen to put them into error texts.</summary>
    private static readonly string[] Secrets =
    [
        "sk-CANARY0aB1cD2eF3gH4iJ5kL", "sk-proj-CANARY_aB1cD2eF3gH4iJ5kL", "sk-ant-api03-CANARYaB1cD2eF3gH4", "sk-or-v1-CANARYaB1cD2eF3gH4iJ5kL", "pk-CANARYaB1cD2eF3gH4", "rk-CANARYaB1cD2eF3gH4",
        "gsk_CANARYaB1cD2eF3gH4iJ5kL", "xai-CANARYaB1cD2eF3gH4iJ5kL", "fw_CANARYaB1cD2eF3gH4iJ5kL", "r8_CANARYaB1cD2eF3gH4iJ5kL", "csk-CANARYaB1cD2eF3gH4iJ5kL", "nvapi-CANARYaB1cD2eF3gH4iJ5kL",
        "tgp_v1_CANARYaB1cD2eF3gH4iJ5kL", "key_CANARYaB1cD2eF3gH4iJ5kL", "hf_CANARYaB1cD2eF3gH4iJ5kLmN6oP7qR8", "hf_FLCANARYaB1cD2eF3gH4iJ5kL6mN7oP8", "AIzaCANARYaB1cD2eF3gH4iJ5kL6mN7oP8qR",
        "Bearer CANARYaB1cD2eF3gH4", "bearer CANARY.aB1.cD2", "Basic Q0FOQVJZOkNBTkFSWQ==CANARY", "Authorization: Bearer CANARYxyz", "api_key=CANARYaB1cD2", "api-key=CANARYaB1cD2", "apikey=CANARYaB1cD2",
        "access_token=CANARYaB1", "auth_token=CANARYaB1", "client_secret=CANARYaB1", "token=CANARYaB1", "secret=CANARYaB1", "?key=CANARYaB1", "\\\"api_key\\\": \\\"CANARYaB1cD2\\\"", "\\\"client_secret\\\":\\\"CANARYaB1\\\"",
        "CANARY00112233445566778899aabbccddeeff", "eyJCANARYhbGciOiJIUzI1NiJ9.eyJCANARYzdWIiOiIxIn0.CANARYsig", "-----BEGIN PRIVATE KEY-----CANARYMIIEvQ-----END PRIVATE KEY-----", "org-CANARYaB1cD2eF3", "org_CANARYaB1cD2",
        "Server=db;Password=CANARYpw", "AccountKey=CANARYpw", "https://user:CANARYpw@provider.example/v1", "postgres://svc:CANARYpw@10.0.0.1/db",
    ];

    [Fact]
    public async Task No_secret_and_no_prompt_is_in_any_log_metric_record_answer_or_file()
    {
        Assert.InRange(Secrets.Length, 40, 100);
        var seen = new StringBuilder();
        for (int i = 0; i < Secrets.Length; i++)
        {
            int number = i;
            string model = "m" + (i % 8);
            _wall.On(model, (i % 4) switch
            {
                0 => Scripts.Status(401, $"{{\"error\":{{\"message\":\"Incorrect API key provided: {Secrets[number]}\"}}}}"),
                1 => Scripts.Status(400, $"{{\"error\":{{\"message\":\"cannot do that with {Secrets[number]}\"}}}}"),
                2 => Scripts.Status(500, $"<html><title>{Secrets[number].Replace("\\\"", "", StringComparison.Ordinal)}</title></html>", type: "text/html"),
                _ => Scripts.Stream(Scripts.Chunk($"{{\"role\":\"assistant\",\"content\":\"{Completion}\"}}"), $"data: {{\"error\":{{\"message\":\"lost it: {Secrets[number]}\"}}}}\n\n"),
            });
            using HttpClient http = _yard.Client(_yard.KeyOf("rich"));
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/chat/completions?key=CANARYquery{i}")
            {
                Content = new StringContent($"{{\"model\":\"acme/{model}\",\"stream\":{(i % 4 == 3 ? "true" : "false")},\"user\":\"CANARYuser\",\"messages\":[{{\"role\":\"user\",\"content\":\"{Prompt} CANARYbody\"}}]}}"),
            };
            foreach (string header in new[] { "cookie", "x-forwarded-for", "x-custom", "referer", "user-agent" })
                request.Headers.TryAddWithoutValidation(header, "CANARYheader" + i);
            using HttpResponseMessage response = await http.SendAsync(request);
            string body = (await response.Content.ReadAsStringAsync()).Replace(Completion, "", StringComparison.Ordinal);
            seen.AppendLine(response.Headers.ToString()).AppendLine(body);
        }
        // What is malformed or wrong comes back in words that hold none of it.
        foreach (string key in Secrets.Take(17))
        {
            using HttpClient http = _yard.Client();
            http.DefaultRequestHeaders.TryAddWithoutValidation("authorization", "Bearer " + key);
            using HttpResponseMessage response = await http.GetAsync("/v1/requests/req_x");
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
            seen.AppendLine(response.Headers.ToString()).AppendLine(await response.Content.ReadAsStringAsync());
        }
        seen.AppendLine(await _yard.Http.GetStringAsync("/metrics")).AppendLine(await _yard.Http.GetStringAsync("/health")).AppendLine(await _yard.Http.GetStringAsync("/v1/models"));
        foreach (string page in new[] { "/api/requests?limit=1000", "/api/keys", "/api/status", "/api/doctor", "/api/usage?by=key,model", "/api/models" })
        {
            JsonElement json = (await _yard.AdminAsync(HttpMethod.Get, page)).Json;
            seen.AppendLine(json.GetRawText());
            if (page.StartsWith("/api/requests", StringComparison.Ordinal))
            {
                foreach (JsonElement request in json.EnumerateArray())
                    seen.AppendLine((await _yard.AdminAsync(HttpMethod.Get, "/api/requests/" + request.GetProperty("id").GetString())).Json.GetRawText());
            }
        }
        seen.AppendLine(string.Join('\n', _log.Lines));
        AssertClean("what went out", seen.ToString());

        string folder = _yard.Folder;
        foreach (string file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(static f => Path.GetFileName(f) is not ("lock" or "control.sock")))
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var copy = new MemoryStream();
            await stream.CopyToAsync(copy);
            AssertClean(file, Encoding.Latin1.GetString(copy.ToArray()));
        }
        Assert.NotEmpty(_log.Lines);
    }

    /// <summary>H-02: however settings are written out, their secrets are not in it.</summary>
    [Fact]
    public void A_secret_cannot_be_formatted_into_text()
    {
        var settings = new GatewaySettings
        {
            Listen = new IPEndPoint(IPAddress.Loopback, 1),
            DataFolder = "/tmp/x",
            Providers = [new ProviderSettings { Name = "p", Key = new Secret("CANARYsecret") }],
        };
        var credential = new Upstreams.Http.OriginCredential(new Uri("https://a.example"), "authorization", "Bearer CANARYsecret");
        var key = Domain.Keys.ApiKey.Create(System.Security.Cryptography.RandomNumberGenerator.Fill);
        string text = $"{settings} {settings.Providers[0]} {settings.Providers[0].Key} {credential} {key}"
            + string.Format(System.Globalization.CultureInfo.InvariantCulture, "{0}", settings.Providers[0].Key)
            + JsonSerializer.Serialize(settings.Providers[0].Key) + JsonSerializer.Serialize(credential) + JsonSerializer.Serialize(key.ToString());
        Assert.DoesNotContain("CANARY", text, StringComparison.Ordinal);
        Assert.DoesNotContain(key.Reveal()[5..], text, StringComparison.Ordinal);
    }

    public async ValueTask InitializeAsync()
    {
        // A provider for each model, so that one's refused credential does not end the others.
        _yard = await GatewayYard.StartAsync(
            Enumerable.Range(0, 8).Select(i => GatewayYard.Provider("wall" + i, _wall.Url, "m" + i) with { Key = new Secret("sk-CANARYprovider" + i) }),
            static settings => settings with { Dispatch = new DispatchSettings { Attempts = 1 } }, loggers: _log);
    }

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _wall.DisposeAsync();
        _log.Dispose();
    }

    private void AssertClean(string where, string text)
    {
        foreach (string canary in new[] { "CANARY", _yard.KeyOf("rich")[5..] })
        {
            if (canary != "CANARY" && Path.GetFileName(where) == "rich")
                continue; // the file that hands the key over
            int at = text.IndexOf(canary, StringComparison.Ordinal);
            Assert.True(at < 0, $"{where}: …{text[Math.Max(0, at - 60)..Math.Min(text.Length, Math.Max(0, at) + 60)]}…");
        }
    }
}
