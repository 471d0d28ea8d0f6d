using System.Collections.Concurrent;
using System.Text.Json;

namespace Fairlead.Tests.Process;

/// <summary>L-01: the process is killed at random moments under load, again and again; nothing that a caller saw completed is lost or counted twice.</summary>
public sealed class CrashTests
{
    private static readonly int Rounds = int.Parse(Environment.GetEnvironmentVariable("FAIRLEAD_CRASH_ROUNDS") ?? "20");

    [Fact]
    public async Task Whatever_a_caller_saw_completed_is_on_the_ledger_exactly_once_after_any_number_of_kills()
    {
        await using PlainUpstream upstream = await PlainUpstream.StartAsync();
        await using var fairlead = new FairleadProcess($$"""
            providers:
              alpha: { url: {{upstream.Url}}, models: { acme/chat: { as: m, input: 0.20, output: 0.60, context: 128k } } }
            keys:
              load: { budget: $1000000/day }
            """);
        var completed = new ConcurrentDictionary<string, bool>();
        var random = new Random(20_261_124);
        var restarts = new List<TimeSpan>();
        for (int round = 0; round < Rounds; round++)
        {
            TimeSpan start = await fairlead.StartAsync();
            if (round > 0) // the first is no restart
                restarts.Add(start);
            using HttpClient http = fairlead.Client(Path.Combine("keys", "load"));
            using var stop = new CancellationTokenSource();
            int goal = completed.Count + random.Next(20, 400);
            var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Task[] callers = [.. Enumerable.Range(0, 8).Select(i => CallAsync(http, i % 2 == 0, completed, goal, enough, stop.Token))];
            await enough.Task.WaitAsync(FairleadProcess.Patience);
            await fairlead.KillAsync();
            await stop.CancelAsync();
            await Task.WhenAll(callers);
        }
        (double cost, TimeSpan young) = await RestartCost.MeasureAsync(fairlead);
        restarts.Add(await fairlead.StartAsync());
        JsonElement report = await fairlead.JsonAsync("ledger", "verify");
        Assert.True(report.GetProperty("holds").GetBoolean(), report.ToString());

        var settled = new Dictionary<string, int>();
        string? before = null;
        while (true)
        {
            JsonElement page = await fairlead.JsonAsync(before is null ? ["requests", "--limit", "1000"] : ["requests", "--limit", "1000", "--before", before]);
            if (page.GetArrayLength() == 0)
                break;
            foreach (JsonElement line in page.EnumerateArray())
            {
                before = line.GetProperty("id").GetString()!;
                settled[before] = settled.GetValueOrDefault(before) + 1;
                if (completed.ContainsKey(before))
                    Assert.Equal(("ok", "0.000006400"), (line.GetProperty("end_reason").GetString(), line.GetProperty("cost_usd").GetString()));
            }
        }
        Assert.All(settled, static pair => Assert.Equal(1, pair.Value));
        Assert.All(completed.Keys, id => Assert.True(settled.ContainsKey(id), $"{id} was seen completed and is not on the ledger."));
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{Rounds} kills, {completed.Count} completed, {settled.Count} on the ledger; restarts took {restarts.Min().TotalMilliseconds:0} to {restarts.Max().TotalMilliseconds:0} ms, {cost:0.00} times the CPU time of one without a past, which took {young.TotalMilliseconds:0} ms");
        // A restart answers within a second: 0.5 s alone on two cores. Where other suites run on the same cores it waits for its turn (2 s at a load of 18)
        // and shares a core's units with them: it is held against restarts without a past, and the clock has to show only that it waits for nothing else.
        Assert.InRange(cost, 0, 1.6);
        Assert.InRange(restarts.Min() / young, 0, 3);
    }

    private static async Task CallAsync(HttpClient http, bool stream, ConcurrentDictionary<string, bool> completed, int goal, TaskCompletionSource enough, CancellationToken stop)
    {
        string body = $"{{\"model\":\"acme/chat\",\"max_tokens\":16,\"stream\":{(stream ? "true" : "false")},\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]}}";
        while (!stop.IsCancellationRequested)
        {
            try
            {
                using HttpResponseMessage response = await http.PostAsync("/v1/chat/completions", new StringContent(body), stop);
                string text = await response.Content.ReadAsStringAsync(stop);
                if (response.IsSuccessStatusCode && (!stream || text.EndsWith("data: [DONE]\n\n", StringComparison.Ordinal)))
                    completed[response.Headers.GetValues("x-fairlead-request-id").Single()] = true;
                if (completed.Count >= goal)
                    enough.TrySetResult();
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
            {
                return; // killed, as intended
            }
        }
    }
}
