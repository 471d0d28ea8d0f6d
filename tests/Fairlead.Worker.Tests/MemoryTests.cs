using System.Text;
using System.Text.Json;
using Fairlead.Shared;

namespace Fairlead.Worker.Tests;

/// <summary>What a worker says it needs beside what its process takes, and what becomes of it when it gets less.</summary>
public sealed class MemoryTests
{
    /// <summary>What the estimate may lie above the truth beside a quarter of it: a small model's process does not use the room that a busy one needs.</summary>
    private const long Constant = 200L << 20;

    private static readonly CancellationToken Never = CancellationToken.None;

    public static TheoryData<string, int?> Models => new()
    {
        { "guide", null }, { "guide", 32 }, { "llama", null }, { "gemma3", null }, { "gpt2", null }, { "qwen3-moe", null }, { "bert", null }, { "mpnet", null },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public async Task A_model_takes_no_more_than_it_says_and_not_much_less(string model, int? slots)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "resident memory is read from /proc");
        using var worker = new WorkerBinary(model == "guide" ? RunningWorker.Guide : RunningWorker.Golden(model), slots is { } count ? ["--slots", $"{count}"] : []);
        (List<double> progress, bool isReady) = worker.Load();
        Assert.True(isReady);
        Assert.Equal(progress.Order(), progress);
        Assert.Equal(1, progress[^1]);
        int context = worker.Need.GetProperty("context").GetInt32(), together = worker.Need.GetProperty("slots").GetInt32();
        bool writes = worker.Need.GetProperty("kind").GetString() == "language";
        await Task.WhenAll(Enumerable.Range(0, together).Select(async number =>
        {
            // Every slot's whole context, and nothing that another one has read already.
            int[] tokens = [.. Enumerable.Range(0, context - (writes ? 4 : 0)).Select(place => 20 + (((number * 31) + (place * (number + 1))) % 80))];
            object body = writes ? new { prompt = tokens, max_tokens = 4, repetition_penalty = 1.1, logprobs = 5 } : new { input = tokens };
            using HttpResponseMessage answer = await worker.Http.PostAsync(
                writes ? "/v1/completions" : "/v1/embeddings", new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json"), Never);
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Never));
        }));
        long most = worker.Status("VmHWM");
        TestContext.Current.TestOutputHelper?.WriteLine($"{model}: says {worker.NeededBytes >> 20} MiB, takes {most >> 20}");
        Assert.InRange(worker.NeededBytes, most, (most * 5 / 4) + Constant);
    }

    [Fact]
    public async Task A_load_that_gets_too_little_memory_ends_with_one_line_that_says_so()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "prlimit is Linux's");
        using var folder = new TempFolder();
        RandomCheckpoint.Write(RunningWorker.Guide, folder["model"], 100L << 20);
        using var worker = new WorkerBinary(folder["model"], "--slots", "64", "--ctx", "2048");
        worker.Bound(500L << 20); // its cache alone takes more
        Assert.False(worker.Load().IsReady);
        (int code, string last) = await worker.EndAsync();
        Assert.Equal(1, code);
        Assert.StartsWith("There was not enough memory to load it", last, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_that_there_is_no_memory_for_is_refused_and_the_next_is_answered()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "prlimit is Linux's");
        WorkerBinary worker = Bounded();
        try
        {
            string large = JsonSerializer.Serialize(new { prompt = new string('x', 60_000_000), max_tokens = 2 });
            HttpResponseMessage? said = null;
            for (int attempt = 0; said is null && attempt < 5; attempt++)
            {
                try
                {
                    said = await worker.Http.PostAsync("/v1/completions", new StringContent(large, Encoding.UTF8, "application/json"), Never);
                }
                catch (HttpRequestException)
                {
                    // The memory that there was not may have been the connection's own, which then ends without a word, or the runtime's, which ends the process: the gateway starts another.
                    worker.Dispose();
                    worker = Bounded();
                }
            }

            using HttpResponseMessage refused = said ?? throw new InvalidOperationException("five connections ended without a word");
            JsonElement error = JsonDocument.Parse(await refused.Content.ReadAsStringAsync(Never)).RootElement.GetProperty("error");
            Assert.Contains("not enough memory", error.GetProperty("message").GetString(), StringComparison.Ordinal);
            using HttpResponseMessage answered = await worker.Http.PostAsync("/v1/completions", new StringContent("""{"prompt":"Fairlead","max_tokens":2}""", Encoding.UTF8, "application/json"), Never);
            Assert.True(answered.IsSuccessStatusCode, await answered.Content.ReadAsStringAsync(Never));
        }
        finally
        {
            worker.Dispose();
        }
    }

    [Fact]
    public async Task A_file_that_is_shortened_under_a_worker_ends_it_with_a_line_that_names_it()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["model"]);
        foreach (string file in Directory.EnumerateFiles(RunningWorker.Guide))
            File.Copy(file, Path.Combine(folder["model"], Path.GetFileName(file)));
        using var worker = new WorkerBinary(folder["model"]);
        Assert.True(worker.Load().IsReady);
        // Another program: .NET's own files keep away from one that is mapped.
        using (System.Diagnostics.Process truncate = System.Diagnostics.Process.Start("truncate", ["--size=4096", Path.Combine(folder["model"], "model.safetensors")]))
            await truncate.WaitForExitAsync();
        (int code, string last) = await worker.EndAsync();
        Assert.Equal(1, code);
        Assert.StartsWith("model.safetensors was shortened, from 9908568 to 4096 bytes,", last, StringComparison.Ordinal);
    }

    /// <summary>A process that may take little more than it has when it is ready.</summary>
    private static WorkerBinary Bounded()
    {
        var worker = new WorkerBinary(RunningWorker.Guide, "--slots", "2", "--threads", "1");
        Assert.True(worker.Load().IsReady);
        worker.Bound(worker.Status("VmData") + (64L << 20));
        return worker;
    }
}
