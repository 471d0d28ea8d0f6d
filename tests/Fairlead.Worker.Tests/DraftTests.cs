using System.Globalization;
using System.Text;
using System.Text.Json;
using Fairlead.Shared;

namespace Fairlead.Worker.Tests;

/// <summary>A worker whose model has a second one that guesses for it: what it needs, says and counts, and what it refuses.</summary>
public sealed class DraftTests : IDisposable
{
    private static readonly CancellationToken Never = CancellationToken.None;
    private readonly TempFolder _folder = new();

    [Fact]
    public async Task A_process_with_a_draft_answers_as_one_without_and_counts_what_came_true()
    {
        using var with = new WorkerBinary(RunningWorker.Guide, "--draft", Guide(), "--guesses", "6", "--slots", "2", "--threads", "1");
        using var without = new WorkerBinary(RunningWorker.Guide, "--guesses", "0", "--slots", "2", "--threads", "1");
        Assert.Equal(2 * without.Need.GetProperty("files").GetInt64(), with.Need.GetProperty("files").GetInt64());
        Assert.Equal(2 * without.Need.GetProperty("weights").GetInt64(), with.Need.GetProperty("weights").GetInt64());
        Assert.InRange(with.Need.GetProperty("cache").GetInt64() - without.Need.GetProperty("cache").GetInt64(), 2 * 512 * 3_072, (2 * 512 * 3_072) + 16_384); // and the index of what its blocks hold
        (List<double> progress, bool isReady) = with.Load();
        Assert.True(isReady && without.Load().IsReady);
        Assert.Equal(progress.Order(), progress);
        Assert.Equal(1, progress[^1]);
        string[] bodies =
        [
            """{"messages":[{"role":"user","content":"What is Fairlead?"}],"logprobs":true,"top_logprobs":2,"temperature":0}""",
            """{"messages":[{"role":"user","content":"How do I make a key?"}],"seed":7,"temperature":1.3,"n":2}""",
            """{"messages":[{"role":"user","content":"What does it cost?"}],"seed":3,"temperature":0.7,"stop":["."]}""",
            """{"messages":[{"role":"user","content":"Which models?"}],"seed":3,"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object","properties":{"kind":{"enum":["hub","engine"]}},"required":["kind"],"additionalProperties":false}}}}""",
        ];
        Dictionary<string, double> figures = [];
        // How often it is asked depends on what its passes take beside the model's, and here both are the same; but it is asked again and again.
        for (int round = 0; round < 20 && figures.GetValueOrDefault("fairlead_worker_tokens_drafted_right_total") == 0; round++)
        {
            foreach (string body in bodies)
            {
                (JsonElement expected, JsonElement said) = (await AskAsync(without, body), await AskAsync(with, body));
                Assert.Equal(expected.GetProperty("choices").GetRawText(), said.GetProperty("choices").GetRawText());
                Assert.Equal(expected.GetProperty("usage").GetRawText(), said.GetProperty("usage").GetRawText());
            }

            figures = await FiguresAsync(with);
        }

        Dictionary<string, double> plain = await FiguresAsync(without);
        Assert.InRange(figures["fairlead_worker_tokens_drafted_right_total"], 1, figures["fairlead_worker_tokens_drafted_total"]);
        Assert.InRange(figures["fairlead_worker_tokens_guessed_total"], figures["fairlead_worker_tokens_drafted_total"], double.MaxValue);
        Assert.InRange(figures["fairlead_worker_draft_seconds_total"], 1e-6, figures["fairlead_worker_busy_seconds_total"]);
        Assert.Equal((0.0, 0.0), (plain["fairlead_worker_tokens_guessed_total"], plain["fairlead_worker_draft_seconds_total"]));
        JsonElement health = JsonDocument.Parse(await with.Http.GetStringAsync("/health", Never)).RootElement;
        Assert.Equal(figures["fairlead_worker_tokens_drafted_right_total"], health.GetProperty("tokens_drafted_right").GetDouble());
        if (OperatingSystem.IsLinux())
            Assert.InRange(with.Status("VmHWM"), 0, with.NeededBytes);
    }

    [Fact]
    public async Task What_cannot_be_a_draft_ends_the_load_with_one_line_that_says_why()
    {
        Assert.StartsWith("bert: is an encoder, which writes no text", await RefusalAsync(RunningWorker.Guide, RunningWorker.Golden("bert")), StringComparison.Ordinal);
        Assert.StartsWith("guide: is the model itself", await RefusalAsync(RunningWorker.Guide, RunningWorker.Guide), StringComparison.Ordinal);
        Assert.StartsWith("bert: is an encoder, which writes no text that could be guessed ahead; leave the draft out", await RefusalAsync(RunningWorker.Golden("bert"), RunningWorker.Guide), StringComparison.Ordinal);
        Assert.StartsWith("llama: ", await RefusalAsync(RunningWorker.Guide, RunningWorker.Golden("llama")), StringComparison.Ordinal);
        Assert.Contains("has nothing to do", await RefusalAsync(RunningWorker.Guide, Guide(), guesses: 0), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_draft_that_is_changed_before_the_load_is_refused_by_name()
    {
        string draft = Guide();
        var events = new EventLines();
        var log = new StringWriter();
        var parent = new Pipe();
        Task<bool> running = WorkerServer.RunAsync(
            new WorkerOptions { Path = RunningWorker.Guide, Draft = draft, Socket = _folder["w.sock"], Model = "m" }, parent.Reader, events, log, TimeProvider.System, new TaskCompletionSource().Task, Never);
        await events.LineAsync("needs ");
        File.SetLastWriteTimeUtc(Path.Combine(draft, "model.safetensors"), DateTime.UnixEpoch);
        parent.Say("load");
        Assert.False(await running);
        Assert.StartsWith("draft/model.safetensors: was written to", log.ToString().TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>The guide a second time: as a draft it is right, and slow.</summary>
    private string Guide()
    {
        Directory.CreateDirectory(_folder["draft"]);
        foreach (string file in Directory.EnumerateFiles(RunningWorker.Guide))
            File.Copy(file, Path.Combine(_folder["draft"], Path.GetFileName(file)), overwrite: true);
        return _folder["draft"];
    }

    private async Task<string> RefusalAsync(string model, string draft, int? guesses = null)
    {
        var log = new StringWriter();
        var options = new WorkerOptions { Path = model, Draft = draft, Guesses = guesses, Socket = _folder["w.sock"], Model = "m" };
        Assert.False(await WorkerServer.RunAsync(options, null, new EventLines(), log, TimeProvider.System, new TaskCompletionSource().Task, Never));
        return log.ToString().TrimEnd().Split('\n')[^1];
    }

    private static async Task<JsonElement> AskAsync(WorkerBinary worker, string body)
    {
        using HttpResponseMessage answer = await worker.Http.PostAsync("/v1/chat/completions", new StringContent(body, Encoding.UTF8, "application/json"), Never);
        string text = await answer.Content.ReadAsStringAsync(Never);
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement;
    }

    private static async Task<Dictionary<string, double>> FiguresAsync(WorkerBinary worker) =>
        (await worker.Http.GetStringAsync("/metrics", Never)).TrimEnd().Split('\n').Where(static line => line[0] != '#').Select(static line => line.Split(' '))
        .ToDictionary(static pair => pair[0], static pair => double.Parse(pair[1], CultureInfo.InvariantCulture));
}
