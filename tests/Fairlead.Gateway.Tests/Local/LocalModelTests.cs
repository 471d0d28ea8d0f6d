using System.Text.Json;
using Fairlead.Fleet.Workers;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;
using Fairlead.Shared;

namespace Fairlead.Gateway.Tests.Local;

/// <summary>Models of one's own behind the same path as every provider's: real child processes, real sockets, and a ledger that knows their price.</summary>
public sealed class LocalModelTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private GatewayYard _yard = null!;

    private string[] Notes => File.Exists(_folder["journal"]) ? File.ReadAllLines(_folder["journal"]) : [];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_answer_is_metered_and_recorded_like_any_other_at_a_price_that_is_known_to_be_nothing(bool stream)
    {
        await _yard.Server.LoadAsync("local/good", TestContext.Current.CancellationToken); // a stream that waits for a load begins before it is known who answers
        Answer answer = await _yard.ChatAsync("local/good", stream);
        Assert.Equal(200, answer.Status);
        Assert.Equal(("local", "local/good"), (answer.Header("x-fairlead-provider"), answer.Header("x-fairlead-model")));
        if (stream)
            Assert.True(answer.EndsWithDone);
        else
            Assert.Equal("0.000000000", answer.Header("x-fairlead-cost"));
        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal((0, "ok"), (record.GetProperty("cost_nano_usd").GetInt64(), record.GetProperty("end_reason").GetString()));
        Assert.Equal((3, 2), (record.GetProperty("usage").GetProperty("input_tokens").GetInt32(), record.GetProperty("usage").GetProperty("output_tokens").GetInt32()));
        (_, JsonElement ledger) = await _yard.AdminAsync(HttpMethod.Get, "/api/ledger/verify");
        Assert.True(ledger.GetProperty("holds").GetBoolean());
    }

    [Fact]
    public async Task Many_who_ask_a_model_that_is_not_loaded_are_all_answered_by_one_process()
    {
        Answer[] answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => _yard.ChatAsync("local/good")));
        Assert.All(answers, static a => Assert.Equal(200, a.Status));
        Assert.Single(answers.Select(static a => a.Content).Distinct());
        Assert.Single(Notes, "start");
    }

    [Fact]
    public async Task A_model_that_cannot_be_loaded_says_why_in_its_workers_words()
    {
        Answer answer = await _yard.ChatAsync("local/fails");
        Assert.Equal((503, "worker_load_failed"), (answer.Status, answer.ErrorCode));
        Assert.Contains("model.safetensors at byte 8: the header is no JSON", answer.Body, StringComparison.Ordinal);
        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal((0, "worker_load_failed"), (record.GetProperty("cost_nano_usd").GetInt64(), record.GetProperty("end_reason").GetString()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_worker_that_dies_before_its_first_word_is_asked_once_more_and_then_an_error_with_its_last_line(bool stream)
    {
        Answer answer = await _yard.ChatAsync("local/dies-early", stream);
        Assert.Equal("worker_crash", answer.ErrorCode);
        Assert.True(answer.Status == 502 || (stream && answer.Status == 200), $"status {answer.Status}"); // a stream that has waited for a moment has begun
        Assert.Contains("The model ran into itself.", answer.Body, StringComparison.Ordinal);
        Assert.Equal(["start", "request", "start", "request"], Notes);
        Answer other = await _yard.ChatAsync("local/good");
        Assert.Equal(200, other.Status); // its crash is nobody else's
    }

    [Fact]
    public async Task A_worker_that_dies_within_its_answer_ends_the_stream_with_an_error_after_all_it_said()
    {
        Answer answer = await _yard.ChatAsync("local/dies-late", stream: true);
        Assert.Equal((200, "worker_crash", false), (answer.Status, answer.ErrorCode, answer.EndsWithDone));
        Assert.Equal("one two ", answer.Content);
    }

    [Fact]
    public async Task A_caller_who_hangs_up_is_a_caller_the_worker_sees_go()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent("{\"model\":\"local/endless\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}"),
        };
        using (HttpResponseMessage response = await _yard.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken))
        {
            await GatewayYard.HearAsync(response, "one ");
        }
        await ScriptedWorker.UntilAsync(() => Notes.Contains("left"), "the worker sees its caller go");
    }

    [Fact]
    public async Task The_catalogue_lists_them_at_a_known_price_of_nothing()
    {
        using HttpResponseMessage response = await _yard.Http.GetAsync("/v1/models/local/good", TestContext.Current.CancellationToken);
        JsonElement offer = new Answer(response, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Json.GetProperty("providers")[0];
        Assert.Equal(("local", true, 0), (offer.GetProperty("provider").GetString(), offer.GetProperty("is_free").GetBoolean(), offer.GetProperty("pricing").GetProperty("input").GetInt32()));
    }

    [Fact]
    public async Task A_model_that_leaves_the_configuration_leaves_no_process_and_one_that_stays_keeps_its_own()
    {
        int leaving = int.Parse((await _yard.ChatAsync("local/good")).Content);
        int staying = int.Parse((await _yard.ChatAsync("local/talks")).Content);
        await _yard.ApplyAsync(s => s with { Local = [.. s.Local.Where(static m => m.Name != "good")] });
        await ScriptedWorker.UntilAsync(() => !Directory.Exists($"/proc/{leaving}"), "the process of the model that was taken out ends");
        Assert.Equal(staying, int.Parse((await _yard.ChatAsync("local/talks")).Content));
        Assert.Equal("model_not_found", (await _yard.ChatAsync("local/good")).ErrorCode);
    }

    [Fact]
    public async Task A_gateway_that_stops_leaves_no_process_and_no_socket()
    {
        int worker = int.Parse((await _yard.ChatAsync("local/good")).Content);
        string sockets = Path.Combine(_yard.Folder, "workers");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(sockets));
        Assert.Single(Directory.GetFiles(sockets));
        await _yard.Server.StopAsync(10 * GatewayYard.Patience).WaitAsync(GatewayYard.Patience, TestContext.Current.CancellationToken); // it waits for nobody's patience to end
        Assert.False(Directory.Exists($"/proc/{worker}"));
        Assert.Empty(Directory.GetFiles(sockets));
    }

    public async ValueTask InitializeAsync()
    {
        string[] behaviours = ["good", "fails", "dies-early", "dies-late", "endless", "talks"];
        _yard = await GatewayYard.StartAsync([], s => s with
        {
            Worker = new WorkerCommand(ScriptedWorker.Command.Program, [.. ScriptedWorker.Command.Arguments]),
            Fleet = new FleetSettings { FirstRest = TimeSpan.FromMilliseconds(20) },
            Local = [.. behaviours.Select(b => new LocalModelSettings(b, $"{b}@{_folder["journal"]}"))],
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        _folder.Dispose();
    }
}
