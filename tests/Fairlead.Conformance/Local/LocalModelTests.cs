using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Shared;

namespace Fairlead.Conformance.Local;

/// <summary>Models that the product runs itself, as callers meet them: real weights, a real worker, the gateway in front.</summary>
public sealed class LocalModelTests(LocalGateway gateway) : IDisposable
{
    private static readonly CancellationToken Never = CancellationToken.None;
    private readonly HttpClient _http = Client(gateway.Process);

    /// <summary>What the reference implementation makes of the shipped weights, word for word.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_guide_answers_word_for_word_as_its_reference_does(bool stream)
    {
        using JsonDocument expected = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Checkout.Root, "tests", "data", "guide", "expected.json"), Never));
        List<string> wrong = [];
        foreach (JsonElement one in expected.RootElement.GetProperty("cases").EnumerateArray())
        {
            var body = new JsonObject { ["model"] = "fairlead/guide", ["temperature"] = 0, ["stream"] = stream, ["messages"] = JsonNode.Parse(one.GetProperty("messages").GetRawText()) };
            (HttpStatusCode status, string text, _) = await PostAsync("chat/completions", body);
            string said = status == HttpStatusCode.OK ? ContentOf(text, stream) : text;
            if (said != one.GetProperty("text").GetString())
                wrong.Add($"{one.GetProperty("messages")}: {said}");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong) + gateway.Process.Output);
    }

    [Fact]
    public async Task The_vectors_of_an_encoder_are_those_of_its_reference()
    {
        if (LocalGateway.Encoder is not { } encoder)
        {
            Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") == "true", "minilm of the shared fixtures is not on this machine");
            Assert.Fail("minilm of the shared fixtures is missing, and CI=true");
            return;
        }
        JsonNode expected = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(encoder, "expected.json"), Never))!;
        (HttpStatusCode status, string text, HttpResponseHeaders headers) = await PostAsync("embeddings", new JsonObject { ["model"] = "local/minilm", ["input"] = expected["texts"]!.DeepClone() });
        Assert.True(status == HttpStatusCode.OK, text);
        Assert.Equal("0.000000000", headers.GetValues("x-fairlead-cost").Single());
        Assert.Equal("input[24]", headers.GetValues("x-fairlead-adapted").Single()); // the one of 2,000 characters
        JsonArray given = JsonNode.Parse(text)!["data"]!.AsArray();
        JsonArray wanted = expected["embeddings"]!.AsArray();
        Assert.Equal(wanted.Count, given.Count);
        for (int i = 0; i < wanted.Count; i++)
            Assert.InRange(Dot(Numbers(given[i]!["embedding"]!), Numbers(wanted[i]!)), 0.9999, 1.0001);
    }

    [Fact]
    public async Task Vectors_come_as_base64_and_shorter_where_that_is_asked_for()
    {
        if (LocalGateway.Encoder is null)
            Assert.Skip("minilm of the shared fixtures is not on this machine");
        (_, string whole, _) = await PostAsync("embeddings", new JsonObject { ["model"] = "local/minilm", ["input"] = "a man is eating" });
        (_, string packed, _) = await PostAsync("embeddings", new JsonObject { ["model"] = "local/minilm", ["input"] = "a man is eating", ["encoding_format"] = "base64" });
        float[] numbers = [.. Numbers(JsonNode.Parse(whole)!["data"]![0]!["embedding"]!).Select(static v => (float)v)];
        byte[] bytes = Convert.FromBase64String((string)JsonNode.Parse(packed)!["data"]![0]!["embedding"]!);
        Assert.Equal(numbers, System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes).ToArray());
        (_, string cut, _) = await PostAsync("embeddings", new JsonObject { ["model"] = "local/minilm", ["input"] = "a man is eating", ["dimensions"] = 64 });
        double[] head = Numbers(JsonNode.Parse(cut)!["data"]![0]!["embedding"]!);
        Assert.Equal(64, head.Length);
        Assert.InRange(Dot(head, head), 0.999, 1.001);
        (HttpStatusCode status, string refused, _) = await PostAsync("embeddings", new JsonObject { ["model"] = "local/minilm", ["input"] = "a", ["dimensions"] = 9999 });
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("384", refused, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("broken", "model.safetensors")]
    [InlineData("odd", "oracle9")]
    public async Task A_model_that_cannot_be_loaded_is_refused_with_the_engines_reason(string name, string reason)
    {
        (HttpStatusCode status, string text, _) = await PostAsync("chat/completions", Hello($"local/{name}"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains("worker_load_failed", text, StringComparison.Ordinal);
        Assert.Contains(reason, text, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
        Assert.DoesNotContain(Path.GetTempPath(), text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("embeddings", "{\"model\":\"local/qwen\",\"input\":\"x\"}", "does_not_serve_this_route")]
    [InlineData("chat/completions", "{\"model\":\"local/qwen\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"functions\":[]}", "'tools'")]
    [InlineData("chat/completions", "{\"model\":\"local/qwen\",\"messages\":[{\"role\":\"user\"}]}", "content")]
    [InlineData("chat/completions", "{\"model\":\"local/qwen\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":{\"not\":{}}}}}", "response_format")]
    [InlineData("completions", "{\"model\":\"local/qwen\",\"prompt\":\"x\",\"suffix\":\"y\"}", "suffix")]
    [InlineData("completions", "{\"model\":\"local/qwen\",\"prompt\":[999999]}", "vocabulary")]
    [InlineData("chat/completions", "{\"model\":\"fairlead/guide\",\"messages\":[{\"role\":\"user\",\"content\":\"LONG\"}]}", "context_length_exceeded")]
    public async Task What_a_model_cannot_do_is_refused_in_the_dialects_error(string route, string body, string words)
    {
        string text = body.Replace("LONG", string.Join(' ', Enumerable.Repeat("provider", 2_000)), StringComparison.Ordinal);
        (HttpStatusCode status, string answer, _) = await PostAsync(route, JsonNode.Parse(text)!.AsObject());
        Assert.True(status == HttpStatusCode.BadRequest, $"{status}: {answer}");
        Assert.Contains(words, answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_built_in_model_refuses_more_tokens_than_its_context_has_as_any_other_does()
    {
        (HttpStatusCode loaded, string said, _) = await PostAsync("chat/completions", Hello("fairlead/guide"));
        Assert.True(loaded == HttpStatusCode.OK, said);
        long began = Stopwatch.GetTimestamp();
        while (JsonNode.Parse(await _http.GetStringAsync("models/fairlead/guide", Never))!["providers"]![0]!["context_length"] is null)
            Assert.True(Stopwatch.GetElapsedTime(began) < LocalYard.Patience, "the catalogue did not learn its context");
        JsonObject ask = Hello("fairlead/guide");
        ask["max_tokens"] = 9_999_999;
        (HttpStatusCode status, string answer, _) = await PostAsync("chat/completions", ask);
        Assert.True(status == HttpStatusCode.BadRequest, $"{status}: {answer}");
        Assert.Contains("context_length_exceeded", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_completion_of_token_ids_is_that_of_their_text_and_echo_gives_the_text_back()
    {
        const string Text = "The router loads the prompt when idle.";
        JsonObject Ask(JsonNode prompt, bool echo) => new() { ["model"] = "local/qwen", ["prompt"] = prompt, ["temperature"] = 0, ["max_tokens"] = 8, ["echo"] = echo, ["logprobs"] = 1 };
        JsonArray ids = [271, 338, 435, 265, 441, 457, 327, 16];
        (HttpStatusCode status, string byIds, _) = await PostAsync("completions", Ask(ids, false));
        Assert.True(status == HttpStatusCode.OK, byIds);
        (_, string byText, _) = await PostAsync("completions", Ask(Text, false));
        Assert.Equal((string?)JsonNode.Parse(byText)!["choices"]![0]!["text"], (string?)JsonNode.Parse(byIds)!["choices"]![0]!["text"]);
        Assert.Equal(8, (int)JsonNode.Parse(byIds)!["usage"]!["completion_tokens"]!);
        (_, string echoed, _) = await PostAsync("completions", Ask(new JsonArray(ids.DeepClone(), ids.DeepClone()), true));
        JsonArray choices = JsonNode.Parse(echoed)!["choices"]!.AsArray();
        Assert.Equal(2, choices.Count);
        foreach (JsonNode? choice in choices)
        {
            Assert.StartsWith(Text, (string)choice!["text"]!, StringComparison.Ordinal);
            Assert.Null(choice["logprobs"]!["token_logprobs"]![0]);
            Assert.Equal(16, choice["logprobs"]!["tokens"]!.AsArray().Count);
        }
    }

    [Fact]
    public async Task A_seed_gives_the_same_text_again_and_choices_differ()
    {
        JsonObject ask = new() { ["model"] = "local/qwen", ["prompt"] = "The", ["seed"] = 7, ["n"] = 3, ["max_tokens"] = 12, ["temperature"] = 1 };
        (_, string first, _) = await PostAsync("completions", ask);
        (_, string second, _) = await PostAsync("completions", ask);
        string[] texts = [.. JsonNode.Parse(first)!["choices"]!.AsArray().Select(static c => (string)c!["text"]!)];
        Assert.Equal(texts, JsonNode.Parse(second)!["choices"]!.AsArray().Select(static c => (string)c!["text"]!));
        Assert.Equal(3, texts.Distinct().Count());
        Assert.Equal((string?)JsonNode.Parse(first)!["system_fingerprint"], (string?)JsonNode.Parse(second)!["system_fingerprint"]);
    }

    [Fact]
    public async Task A_caller_who_hangs_up_frees_the_slot_within_a_step()
    {
        var ask = new JsonObject { ["model"] = "local/caller", ["prompt"] = "The", ["max_tokens"] = 1000, ["stream"] = true, ["logit_bias"] = new JsonObject { ["0"] = -100 }, ["min_tokens"] = 1000 };
        using (var request = new HttpRequestMessage(HttpMethod.Post, "completions") { Content = new StringContent(ask.ToJsonString(), Encoding.UTF8, "application/json") })
        using (HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Never))
        {
            if (response.StatusCode != HttpStatusCode.OK)
                Assert.Fail(await response.Content.ReadAsStringAsync(Never));
            await using Stream body = await response.Content.ReadAsStreamAsync(Never);
            using var lines = new StreamReader(body);
            while (await lines.ReadLineAsync(Never) is { } line && !line.StartsWith("data:", StringComparison.Ordinal))
            {
                // comments, while it is loaded
            }
        }
        long began = Stopwatch.GetTimestamp();
        while (await RunningAsync() > 0)
            Assert.True(Stopwatch.GetElapsedTime(began) < LocalYard.Patience, "the worker goes on generating for nobody");
    }

    [Fact]
    public async Task Every_model_is_in_the_list_at_a_known_price_of_nothing()
    {
        JsonNode list = JsonNode.Parse(await _http.GetStringAsync("models", Never))!;
        string[] ids = [.. list["data"]!.AsArray().Select(static m => (string)m!["id"]!)];
        Assert.Subset(ids.ToHashSet(), new HashSet<string> { "fairlead/guide", "local/qwen", "local/broken", "local/odd" });
        Assert.All(list["data"]!.AsArray(), static m => Assert.True((bool)m!["providers"]![0]!["is_free"]!));
    }

    [Fact]
    public async Task A_name_that_nobody_has_is_answered_with_what_would_add_one()
    {
        await using FairleadProcess alone = await FairleadProcess.StartAsync("", Never);
        using HttpClient http = Client(alone);
        using HttpResponseMessage response = await http.PostAsync("chat/completions", new StringContent(Hello("acme/nobody").ToJsonString()), Never);
        string text = await response.Content.ReadAsStringAsync(Never);
        Assert.Contains("no_providers", text, StringComparison.Ordinal);
        Assert.Contains("fairlead/guide", text, StringComparison.Ordinal);
    }

    public void Dispose() => _http.Dispose();

    private static JsonObject Hello(string model) => new()
    {
        ["model"] = model,
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "What is Fairlead?" }),
        ["max_tokens"] = 8,
    };

    private static HttpClient Client(FairleadProcess process)
    {
        var http = new HttpClient(new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero }) { BaseAddress = new Uri(process.BaseUrl + "/"), Timeout = TimeSpan.FromSeconds(60) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", process.Key);
        return http;
    }

    private async Task<(HttpStatusCode Status, string Text, HttpResponseHeaders Headers)> PostAsync(string route, JsonObject body)
    {
        using HttpResponseMessage response = await _http.PostAsync(route, new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"), Never);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Never), response.Headers);
    }

    /// <summary>Answers that the worker of local/caller is generating, by its own account.</summary>
    private async Task<int> RunningAsync()
    {
        foreach (string path in Directory.GetFiles(Path.Combine(gateway.Process.DataFolder, "workers")))
        {
            using var worker = new HttpClient(new SocketsHttpHandler
            {
                ConnectCallback = async (_, stop) =>
                {
                    var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), stop);
                    return new NetworkStream(socket, ownsSocket: true);
                },
            });
            JsonNode health = JsonNode.Parse(await worker.GetStringAsync("http://worker/health", Never))!;
            if ((string?)health["model"] == "local/caller")
                return (int)health["running"]! + (int)health["waiting"]!;
        }
        throw new InvalidOperationException($"local/caller has no worker.\n{gateway.Process.Output}");
    }

    private static string ContentOf(string text, bool stream) => !stream
        ? (string)JsonNode.Parse(text)!["choices"]![0]!["message"]!["content"]!
        : string.Concat(text.Split("\n\n").Where(static e => e.StartsWith("data: {", StringComparison.Ordinal)).Select(static e => JsonNode.Parse(e[6..])!["choices"]!.AsArray())
            .Where(static c => c.Count > 0).Select(static c => (string?)c[0]!["delta"]!["content"] ?? ""));

    private static double[] Numbers(JsonNode array) => [.. array.AsArray().Select(static v => (double)v!)];

    private static double Dot(double[] a, double[] b) => a.Zip(b, static (x, y) => x * y).Sum();
}
