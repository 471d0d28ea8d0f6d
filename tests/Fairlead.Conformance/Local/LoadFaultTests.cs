using System.Diagnostics;
using System.Globalization;
using System.Net;
using Fairlead.Shared;

namespace Fairlead.Conformance.Local;

/// <summary>Loads that hang, and weights that are cut off or exchanged: before a load, in the middle of one, and under a worker that answers.</summary>
public sealed class LoadFaultTests(LocalCheckpoints checkpoints)
{
    private static string Engine(string behaviour) => Path.Combine(Checkout.Root, "tests", "Fairlead.Conformance", "Local", "scripted-engine.mjs") + "\", " + behaviour;

    /// <summary>Both at once: a load has half a minute to begin with, whatever is configured.</summary>
    [Fact]
    public async Task Loads_that_hang_are_ended_at_their_limit_and_their_waiters_are_told()
    {
        await using LocalYard yard = await LocalYard.StartAsync($$"""
            local:
              never-ready: { source: {{checkpoints.GuideGguf}}, memory: 200MiB, command: ["node", "{{Engine("never-ready")}}, "{port}"] }
              silent: { source: {{checkpoints.GuideGguf}}, memory: 200MiB, command: ["node", "{{Engine("silent")}}, "{port}"] }
            fleet: { load: 10s }
            """);

        await Task.WhenAll(((string[])["never-ready", "silent"]).Select(async behaviour =>
        {
            Task<LocalAnswer> asked = yard.AskAsync($"local/{behaviour}");
            int engine = await yard.WorkerOfAsync(behaviour);

            LocalAnswer refused = await asked;

            Assert.True(refused.Status == HttpStatusCode.ServiceUnavailable, refused.Text);
            Assert.Equal("worker_load_failed", refused.Code);
            Assert.InRange(refused.RetryAfter ?? 0, 1, 6);
            await yard.UntilAsync(() => !Processes.Lives(engine), "the engine that hung is gone");
            Assert.Contains($"scripted engine, {behaviour}", (await yard.Fairlead.CliAsync("logs", behaviour)).Stdout, StringComparison.Ordinal);
        }));
        Assert.Empty(yard.Workers());
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("fairlead/guide")).Status);
    }

    [Fact]
    public async Task Weights_that_end_too_soon_are_refused_by_name_and_whole_ones_are_taken_without_a_word()
    {
        using var folder = new Yard.TempFolder();
        string model = LocalCheckpoints.Copy(checkpoints.Small, folder.In("model"));
        string weights = Path.Combine(model, "model.safetensors");
        long whole = new FileInfo(weights).Length;
        CutOff(weights, whole / 2);
        await using LocalYard yard = await LocalYard.StartAsync($$"""
            local:
              cut: { source: {{model}} }
            """);

        LocalAnswer refused = await yard.AskAsync("local/cut");

        Assert.True(refused.Status == HttpStatusCode.ServiceUnavailable, refused.Text);
        Assert.Equal("worker_load_failed", refused.Code);
        Assert.Contains("model.safetensors", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(folder.Path, refused.Text, StringComparison.Ordinal);
        File.Copy(Path.Combine(checkpoints.Small, "model.safetensors"), weights, overwrite: true);
        LocalAnswer? mended = null; // other files are other terms: they are seen within a second or two
        await yard.UntilAsync(async () => (mended = await yard.AskAsync("local/cut", ",\"max_tokens\":2")).Status == HttpStatusCode.OK, "whole weights are taken");
        Assert.Equal(2, (int)mended!.Json["usage"]!["completion_tokens"]!);
    }

    [Fact]
    public async Task Weights_cut_off_in_mid_load_fail_that_load_and_nothing_else()
    {
        using var folder = new Yard.TempFolder();
        string model = LocalCheckpoints.Copy(checkpoints.Large, folder.In("model"));
        await using LocalYard yard = await LocalYard.StartAsync($$"""
            local:
              cut: { source: {{model}} }
            """);
        Task<LocalAnswer> asked = yard.AskAsync("local/cut", ",\"max_tokens\":2");
        int worker = await yard.WorkerOfAsync("local/cut");
        await yard.UntilAsync(() => Maps(worker, "model.safetensors"), "the weights are mapped");
        Processes.Signal(worker, "STOP");
        CutOff(Path.Combine(model, "model.safetensors"), 1 << 20);
        Processes.Signal(worker, "CONT");

        LocalAnswer refused = await asked;

        Assert.True(refused.Status is HttpStatusCode.ServiceUnavailable or HttpStatusCode.BadGateway, refused.Text);
        Assert.Contains(refused.Code, (string[])["worker_load_failed", "worker_crash"]);
        await yard.UntilAsync(() => !Processes.Lives(worker), "the worker whose file was cut is gone");
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("fairlead/guide")).Status);
    }

    /// <summary>A file that is replaced as tools replace files, by a new one under the old name, is another file: the worker keeps the one that it has.</summary>
    [Fact]
    public async Task Weights_exchanged_under_a_worker_do_not_disturb_its_answer_and_the_new_ones_come_with_the_next_load()
    {
        using var folder = new Yard.TempFolder();
        string model = LocalCheckpoints.Copy(checkpoints.Small, folder.In("model"));
        RandomCheckpoint.Write(LocalCheckpoints.Guide, folder.In("other"), 30_000_000, seed: 2);
        await using LocalYard yard = await LocalYard.StartAsync($$"""
            local:
              swap: { source: {{model}} }
            """);
        const string Twenty = ""","max_tokens":20,"min_tokens":20,"temperature":0,"logit_bias":{"5":-100}""";
        LocalAnswer before = await yard.AskAsync("local/swap", Twenty);
        int first = await yard.WorkerOfAsync("local/swap");
        using LocalStream running = await yard.StreamAsync("local/swap", ""","max_tokens":200,"min_tokens":200,"temperature":0,"logit_bias":{"5":-100}""");
        await running.ReadUntilAsync(static s => s.Content.Length > 0);

        File.Move(Path.Combine(folder.In("other"), "model.safetensors"), Path.Combine(model, "model.safetensors"), overwrite: true);

        await running.ReadAllAsync();
        Assert.Null(running.Error);
        Assert.True(running.Done);
        Assert.StartsWith(before.Content, running.Content, StringComparison.Ordinal);
        Yard.CliResult stopped = await yard.Fairlead.CliAsync("stop", "swap");
        Assert.True(stopped.ExitCode == 0, stopped.Stdout + stopped.Stderr);
        LocalAnswer after = await yard.AskAsync("local/swap", Twenty);
        Assert.True(after.Status == HttpStatusCode.OK, after.Text);
        Assert.NotEqual(before.Content, after.Content);
        Assert.NotEqual((string?)before.Json["system_fingerprint"], (string?)after.Json["system_fingerprint"]);
        Assert.NotEqual(first, await yard.WorkerOfAsync("local/swap"));
    }

    /// <summary>A file cut off in place is gone under the worker's feet: its next read of a page kills it, and only it.</summary>
    [Fact]
    public async Task Weights_cut_off_under_a_worker_fail_its_answers_alone()
    {
        using var folder = new Yard.TempFolder();
        string model = LocalCheckpoints.Copy(checkpoints.Small, folder.In("model"));
        await using LocalYard yard = await LocalYard.StartAsync($$"""
            local:
              cut: { source: {{model}} }
              whole: { source: {{checkpoints.Small}} }
            """);
        using LocalStream stream = await yard.StreamAsync("local/cut", ""","max_tokens":1900,"min_tokens":1900,"logit_bias":{"5":-100}""");
        await stream.ReadUntilAsync(static s => s.Content.Length > 0);

        CutOff(Path.Combine(model, "model.safetensors"), 1 << 20);

        await stream.ReadAllAsync();
        Assert.Equal("worker_crash", (string?)stream.Error?["code"]);
        LocalAnswer next = await yard.AskAsync("local/cut");
        Assert.Equal("worker_load_failed", next.Code);
        Assert.Contains("model.safetensors", next.Message, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/whole", ",\"max_tokens\":2")).Status);
        Assert.Equal("worker_crash", (string?)(await yard.RecordAsync(stream.Id))["end_reason"]);
    }

    /// <summary>As another program would: .NET's own files respect each other's locks.</summary>
    private static void CutOff(string path, long length)
    {
        using Process cut = Process.Start("truncate", ["--size", length.ToString(CultureInfo.InvariantCulture), path]);
        cut.WaitForExit();
        Assert.Equal(0, cut.ExitCode);
    }

    private static bool Maps(int process, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/maps").Contains(file, StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
