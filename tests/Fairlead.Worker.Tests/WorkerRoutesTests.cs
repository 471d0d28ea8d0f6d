using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;

namespace Fairlead.Worker.Tests;

/// <summary>What a worker answers beside completions: tokens, figures, its end.</summary>
public sealed class WorkerRoutesTests
{
    private const string Question = """{"messages":[{"role":"user","content":"What is Fairlead?"}],"max_tokens":8}""";
    private static readonly CancellationToken Never = CancellationToken.None;

    [Fact]
    public async Task Tokens_of_a_text_come_with_their_number_and_turn_back_into_it()
    {
        await using RunningWorker worker = await RunningWorker.StartAsync(RunningWorker.Guide);
        (int status, JsonElement body) = await worker.PostAsync("/tokenize", """{"content":"What is Fairlead?"}""");
        Assert.Equal((200, "[628,301,333,69]", 4), (status, body.GetProperty("tokens").GetRawText(), body.GetProperty("count").GetInt32()));
        (_, JsonElement same) = await worker.PostAsync("/tokenize", """{"text":"What is Fairlead?","add_special":false}""");
        Assert.Equal(body.GetRawText(), same.GetRawText());
        (status, JsonElement back) = await worker.PostAsync("/detokenize", """{"tokens":[628,301,333,69]}""");
        Assert.Equal((200, "What is Fairlead?"), (status, back.GetProperty("content").GetString()));
        (_, JsonElement empty) = await worker.PostAsync("/detokenize", """{"tokens":[]}""");
        Assert.Equal("", empty.GetProperty("content").GetString());
    }

    [Theory]
    [InlineData("/tokenize", "{}", "content")]
    [InlineData("/tokenize", """{"content":3}""", "content")]
    [InlineData("/tokenize", """{"content":"a","text":"b"}""", "text")]
    [InlineData("/tokenize", """{"content":"a","add_special":"yes"}""", "add_special")]
    [InlineData("/detokenize", "{}", "tokens")]
    [InlineData("/detokenize", """{"tokens":["a"]}""", "tokens")]
    [InlineData("/detokenize", """{"tokens":[2048]}""", "tokens")]
    [InlineData("/detokenize", """{"tokens":[-1]}""", "tokens")]
    public async Task A_text_or_tokens_that_cannot_be_read_are_refused_by_the_field(string path, string body, string field)
    {
        await using RunningWorker worker = await RunningWorker.StartAsync(RunningWorker.Guide);
        (int status, JsonElement answer) = await worker.PostAsync(path, body);
        Assert.Equal((400, field), (status, answer.GetProperty("error").GetProperty("param").GetString()));
    }

    [Fact]
    public async Task An_encoder_tokenizes_too_with_the_special_tokens_where_they_are_asked_for()
    {
        await using RunningWorker worker = await RunningWorker.StartAsync(RunningWorker.Golden("bert"));
        (_, JsonElement plain) = await worker.PostAsync("/tokenize", """{"content":"The router loads"}""");
        (_, JsonElement special) = await worker.PostAsync("/tokenize", """{"content":"The router loads","add_special":true}""");
        Assert.Equal(plain.GetProperty("count").GetInt32() + 2, special.GetProperty("count").GetInt32());
    }

    [Fact]
    public async Task Health_and_metrics_count_what_was_read_and_written()
    {
        await using RunningWorker worker = await RunningWorker.StartAsync(RunningWorker.Guide, slots: 3);
        JsonElement before = await worker.HealthAsync();
        Assert.Equal((0, 0, 0), (before.GetProperty("tokens_generated").GetInt64(), before.GetProperty("tokens_read").GetInt64(), before.GetProperty("running").GetInt32()));
        (_, JsonElement answer) = await worker.PostAsync("/v1/chat/completions", Question);
        JsonElement usage = answer.GetProperty("usage"), health = await worker.HealthAsync();
        Assert.Equal(usage.GetProperty("completion_tokens").GetInt64(), health.GetProperty("tokens_generated").GetInt64());
        Assert.Equal(usage.GetProperty("prompt_tokens").GetInt64(), health.GetProperty("tokens_read").GetInt64());
        Assert.Equal((3, 3 * 512 / 16, 0, 0.0), (
            health.GetProperty("slots").GetInt32(), health.GetProperty("kv_blocks_total").GetInt32(), health.GetProperty("kv_blocks_used").GetInt32(), health.GetProperty("batch_fill").GetDouble()));
        Assert.InRange(health.GetProperty("resident_bytes").GetInt64(), 10 << 20, 4L << 30);

        string[] lines = (await worker.Http.GetStringAsync("/metrics", Never)).TrimEnd().Split('\n');
        Dictionary<string, double> figures = lines.Where(static line => line[0] != '#').Select(static line => line.Split(' '))
            .ToDictionary(static pair => pair[0], static pair => double.Parse(pair[1], CultureInfo.InvariantCulture));
        Assert.Equal(usage.GetProperty("completion_tokens").GetDouble(), figures["fairlead_worker_tokens_generated_total"]);
        Assert.True(figures["fairlead_worker_steps_total"] > 0 && figures["fairlead_worker_busy_seconds_total"] > 0);
        Assert.All(figures.Keys, name => Assert.Contains($"# TYPE {name} {(name.EndsWith("_total", StringComparison.Ordinal) && !name.Contains("blocks", StringComparison.Ordinal) ? "counter" : "gauge")}", lines));
    }

    [Fact]
    public async Task A_drain_lets_what_is_inside_finish_takes_nothing_new_and_ends_the_worker()
    {
        await using RunningWorker worker = await RunningWorker.StartAsync(RunningWorker.Guide);
        // More than a socket and its buffers hold: for as long as it is not read, it is being answered.
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent("""{"messages":[{"role":"user","content":"Fairlead"}],"max_tokens":400,"min_tokens":400,"logprobs":true,"top_logprobs":20,"stream":true}""", Encoding.UTF8, "application/json"),
        };
        using HttpResponseMessage stream = await worker.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Never);
        using var reader = new StreamReader(await stream.Content.ReadAsStreamAsync(Never));
        Assert.StartsWith("data: {", await reader.ReadLineAsync(Never), StringComparison.Ordinal); // it is being answered

        using HttpResponseMessage drained = await worker.Http.PostAsync("/drain", null, Never);
        Assert.Equal(HttpStatusCode.Accepted, drained.StatusCode);
        (int status, JsonElement refused) = await worker.PostAsync("/v1/completions", """{"prompt":"x"}""");
        Assert.Equal((503, "draining"), (status, refused.GetProperty("error").GetProperty("code").GetString()));
        Assert.EndsWith("data: [DONE]\n\n", await reader.ReadToEndAsync(Never), StringComparison.Ordinal);
        Assert.True(await worker.Running);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_form_that_takes_too_long_to_keep_to_is_an_error_with_the_reason(bool streams)
    {
        await using RunningWorker worker = await RunningWorker.StartAsync(RunningWorker.Guide);
        // Every e may be the one that is counted from, so the states of what is possible double with each letter.
        string body = $$"""{"messages":[{"role":"user","content":"What is Fairlead?"}],"guided_regex":"((a|b|c|e|[^x])*e([^q]|e){12,90}[^z]*)+","max_tokens":400,"temperature":1,"seed":1,"stream":{{(streams ? "true" : "false")}}}""";
        using HttpResponseMessage answer = await worker.Http.PostAsync("/v1/chat/completions", new StringContent(body, Encoding.UTF8, "application/json"), Never);
        string text = await answer.Content.ReadAsStringAsync(Never);
        string last = streams ? text.TrimEnd().Split("data: ")[^1] : text;
        JsonElement error = JsonDocument.Parse(last).RootElement.GetProperty("error");
        Assert.Equal(("field_invalid", "response_format"), (error.GetProperty("code").GetString(), error.GetProperty("param").GetString()));
        Assert.Contains("takes too much time to follow", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Texts_of_many_callers_have_the_vectors_that_they_have_alone()
    {
        await using RunningWorker worker = await RunningWorker.StartAsync(RunningWorker.Golden("bert"));
        string[] texts = [.. Enumerable.Range(1, 12).Select(static n => string.Join(' ', Enumerable.Repeat("The router loads the prompt", n)))];
        var alone = new List<string>();
        foreach (string text in texts)
            alone.Add(await VectorAsync(worker, text));
        string[] together = await Task.WhenAll(texts.Select(text => VectorAsync(worker, text)));
        Assert.Equal(alone, together);
        JsonElement health = await worker.HealthAsync();
        Assert.Equal(("embedding", 8, 0), (health.GetProperty("kind").GetString(), health.GetProperty("slots").GetInt32(), health.GetProperty("running").GetInt32()));
        Assert.True(health.GetProperty("tokens_read").GetInt64() > 2 * 12 * 12 / 2 * 5);

        static async Task<string> VectorAsync(RunningWorker worker, string text)
        {
            (int status, JsonElement body) = await worker.PostAsync("/v1/embeddings", JsonSerializer.Serialize(new { input = text, encoding_format = "base64" }));
            Assert.Equal(200, status);
            return body.GetProperty("data")[0].GetProperty("embedding").GetString()!;
        }
    }
}
