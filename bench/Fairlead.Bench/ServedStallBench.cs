using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;

namespace Fairlead.Bench;

/// <summary>The same as <see cref="StallBench"/> as callers of the product meet it: eight streams through gateway and worker, over HTTP, on the same processors, and long prompts beside them one after the other.</summary>
internal sealed class ServedStallBench(LocalGateway gateway) : IDisposable
{
    private const string Model = "local/stalled";
    private const int Streams = 8, Prompts = 3;

    /// <summary>Tokens that a stream may have: as many as come while three prompts of some ten thousand are read.</summary>
    private const int StreamTokens = 4096;

    /// <summary>Tokens that each stream has had before the first prompt, and between two of them.</summary>
    private const int PhaseTokens = 64;

    /// <summary>Bytes of text; a model has no fewer tokens than this is worth doing for.</summary>
    private const int LeastTokens = 256;

    private readonly TokenGaps _gaps = new(Streams);

    /// <summary>Starts the product with the model, measures, and prints a table.</summary>
    /// <param name="binary">The product's.</param>
    /// <param name="model">A <c>.gguf</c> file or a folder.</param>
    /// <param name="tokens">Of a prompt.</param>
    public static async Task RunAsync(string binary, string model, int tokens)
    {
        await using var gateway = new LocalGateway(binary);
        await gateway.StartAsync(string.Create(CultureInfo.InvariantCulture, $"guide: false\nlocal:\n  stalled: {{ source: {JsonSerializer.Serialize(Path.GetFullPath(model))}, slots: {Streams + 1}, context: {tokens + StreamTokens} }}\n"));
        using var bench = new ServedStallBench(gateway);
        await bench.MeasureAsync(tokens);
    }

    public void Dispose() => _gaps.Dispose();

    private async Task MeasureAsync(int tokens)
    {
        double alone = await PromptAsync(tokens, 0); // loads the model as well
        alone = Math.Min(alone, await PromptAsync(tokens, 1));
        using var stop = new CancellationTokenSource();
        Task[] streams = [.. Enumerable.Range(0, Streams).Select(i => StreamAsync(i, stop.Token))];
        await _gaps.UntilAsync(Streams * 8, streams); // all of them have begun
        Console.WriteLine(TokenGaps.Head);
        var seconds = new List<double>();
        for (int prompt = 0; prompt < Prompts; prompt++)
        {
            long before = Stopwatch.GetTimestamp();
            await _gaps.UntilAsync(Streams * PhaseTokens, streams);
            long during = Stopwatch.GetTimestamp();
            seconds.Add(await PromptAsync(tokens, prompt + 2));
            long end = Stopwatch.GetTimestamp();
            await _gaps.UntilAsync(null, streams); // those that came meanwhile
            Console.WriteLine(_gaps.Row("before", before, during));
            Console.WriteLine(_gaps.Row("during", during, end));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\nprompt of {tokens}: answered after {alone:0.00} s alone, {string.Join(", ", seconds.Select(static s => s.ToString("0.00", CultureInfo.InvariantCulture)))} s beside {Streams} answers"));
        await stop.CancelAsync();
        foreach (Task stream in streams)
            await stream.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (streams.FirstOrDefault(static s => s.IsFaulted) is { } failed)
            await failed;
    }

    /// <summary>One stream, until it is stopped.</summary>
    private async Task StreamAsync(int stream, CancellationToken stopped)
    {
        using HttpResponseMessage response = await SendAsync(
            new { model = Model, prompt = $"stream {stream} begins", max_tokens = StreamTokens, min_tokens = StreamTokens, temperature = 1, seed = stream, stream = true, logprobs = 0 }, stopped);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(stopped));
        while (await lines.ReadLineAsync(stopped) is { } line)
        {
            if (!line.StartsWith("data: {", StringComparison.Ordinal))
                continue;
            using JsonDocument said = JsonDocument.Parse(line.AsMemory(6));
            if (!said.RootElement.TryGetProperty("choices", out JsonElement choices))
                throw new InvalidOperationException(line);
            int came = choices.EnumerateArray().Sum(static c => c.GetProperty("logprobs") is { ValueKind: JsonValueKind.Object } l ? l.GetProperty("tokens").GetArrayLength() : 0);
            if (came > 0)
                _gaps.Came(stream, came);
        }

        throw new InvalidOperationException($"stream {stream} ended before the prompts were read: a shorter prompt is read sooner");
    }

    /// <summary>Seconds until a long prompt is answered by a token; no two of them begin alike.</summary>
    private async Task<double> PromptAsync(int tokens, int seed)
    {
        var random = new Random(seed);
        int[] prompt = [.. Enumerable.Range(0, tokens).Select(_ => random.Next(LeastTokens))];
        long began = Stopwatch.GetTimestamp();
        using HttpResponseMessage response = await SendAsync(new { model = Model, prompt, max_tokens = 1, min_tokens = 1 }, CancellationToken.None);
        using JsonDocument answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        int read = answer.RootElement.GetProperty("usage").GetProperty("prompt_tokens").GetInt32();
        return read == tokens ? Stopwatch.GetElapsedTime(began).TotalSeconds : throw new InvalidOperationException($"{read} tokens were read of {tokens}");
    }

    private async Task<HttpResponseMessage> SendAsync(object body, CancellationToken stopped)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, gateway.Base + "/v1/completions") { Content = JsonContent.Create(body) };
        HttpResponseMessage response = await gateway.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stopped);
        return response.IsSuccessStatusCode ? response : throw new InvalidOperationException($"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(stopped)}\n{gateway.Said}");
    }
}
