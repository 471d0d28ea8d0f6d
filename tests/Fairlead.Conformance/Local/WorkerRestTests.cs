using System.Net;

namespace Fairlead.Conformance.Local;

/// <summary>What becomes of workers whose end is found by the clock: one that is silent, and one that dies again and again. A class of their own, since they wait for a minute.</summary>
public sealed class WorkerRestTests(LocalCheckpoints checkpoints)
{
    [Fact]
    public async Task Three_deaths_within_a_minute_take_it_out_of_the_catalogue_and_an_operator_brings_it_back()
    {
        using var folder = new Yard.TempFolder();
        string model = LocalCheckpoints.Copy(checkpoints.Small, folder.In("model")); // it is written to below, and others are serving theirs
        await using LocalYard yard = await LocalYard.StartAsync(WorkerDeathTests.TwoOf(model));
        for (int death = 0; death < 3; death++)
        {
            LocalAnswer answer = await yard.AskAsync("local/one", ",\"max_tokens\":2");
            Assert.True(answer.Status == HttpStatusCode.OK, answer.Text);
            int worker = await yard.WorkerOfAsync("local/one");
            Processes.Signal(worker, "KILL");
            await yard.UntilAsync(() => !Processes.Lives(worker), "it is dead");
        }
        await yard.UntilAsync(async () => await yard.ListedAsync("local/one") is null, "it is out of the catalogue");

        LocalAnswer refused = await yard.AskAsync("local/one", ",\"max_tokens\":2");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.Status);
        Assert.Equal("worker_parked", refused.Code);
        Assert.Null(refused.RetryAfter); // waiting does not help
        Assert.Equal("parked", (string?)(await yard.StatusAsync("local/one"))["state"]);
        Assert.NotNull(await yard.ListedAsync("local/two"));
        // New files are new terms: what the operator mended is tried at once.
        File.SetLastWriteTimeUtc(Path.Combine(model, "config.json"), DateTime.UtcNow);
        Yard.CliResult back = await yard.Fairlead.CliAsync("run", model, "--name", "one");
        Assert.True(back.ExitCode == 0, back.Stdout + back.Stderr);
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/one", ",\"max_tokens\":2")).Status);
    }

    [Fact]
    public async Task Stopped_in_mid_answer_it_is_found_silent_killed_and_replaced()
    {
        await using LocalYard yard = await LocalYard.StartAsync(WorkerDeathTests.TwoOf(checkpoints.Small));
        using LocalStream stream = await yard.StreamAsync("local/one", WorkerDeathTests.Endless);
        await stream.ReadUntilAsync(static s => s.Content.Length > 0);
        int frozen = await yard.WorkerOfAsync("local/one");

        Processes.Signal(frozen, "STOP");

        await stream.ReadAllAsync(); // at most three questions after its health, five seconds each, and as long for their answers
        Assert.Equal("worker_crash", (string?)stream.Error?["code"]);
        await yard.UntilAsync(() => !Processes.Lives(frozen), "the stopped process is killed");
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/two", ",\"max_tokens\":2")).Status);
        LocalAnswer next = await yard.AskAsync("local/one", ",\"max_tokens\":2");
        Assert.True(next.Status == HttpStatusCode.OK, next.Text);
    }
}
