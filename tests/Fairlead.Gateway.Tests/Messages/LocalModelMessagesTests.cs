using System.Text.Json;
using Fairlead.Fleet.Workers;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;
using Fairlead.Shared;

namespace Fairlead.Gateway.Tests.Messages;

/// <summary>A caller of Anthropic's door and a model of one's own, in a real child process.</summary>
public sealed class LocalModelMessagesTests : IAsyncLifetime
{
    private const string Tools = ",\"tools\":[{\"name\":\"weather\",\"input_schema\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}]";
    private GatewayYard _yard = null!;

    [Fact]
    public async Task A_cold_start_is_told_by_comments_before_the_message_begins()
    {
        Answer answer = await AskAsync("local/slow", stream: true);
        var told = new MessageStream(answer.Body);
        Assert.NotEmpty(told.Comments);
        Assert.Matches(@"^: (loading \d+ %|queued), about \d+ s\n\n", answer.Body);
        Assert.DoesNotContain("\n:", answer.Body[answer.Body.IndexOf("message_start", StringComparison.Ordinal)..], StringComparison.Ordinal);
        Assert.Equal([("text", "one two")], told.Blocks);
        Assert.True(told.IsWhole);
        Assert.Equal((3, 2), (told.Usage.GetProperty("input_tokens").GetInt32(), told.Usage.GetProperty("output_tokens").GetInt32()));
    }

    [Fact]
    public async Task It_calls_tools_in_a_stream()
    {
        await _yard.Server.LoadAsync("local/caller", TestContext.Current.CancellationToken);
        var told = new MessageStream((await AskAsync("local/caller", stream: true, Tools)).Body);
        Assert.Equal([("tool_use", "{\"city\":\"Paris\"}"), ("tool_use", "{\"city\":\"Rome\"}")], told.Blocks);
        Assert.Equal("tool_use", told.StopReason);
    }

    [Fact]
    public async Task It_calls_tools_in_a_whole_answer()
    {
        await _yard.Server.LoadAsync("local/caller", TestContext.Current.CancellationToken);
        JsonElement message = (await AskAsync("local/caller", stream: false, Tools)).Json;
        Assert.Equal("tool_use", message.GetProperty("stop_reason").GetString());
        Assert.Equal(["Paris", "Rome"], message.GetProperty("content").EnumerateArray().Select(static b => b.GetProperty("input").GetProperty("city").GetString()));
    }

    [Fact]
    public async Task A_worker_that_dies_in_mid_answer_ends_it_with_an_error_of_Anthropics()
    {
        var told = new MessageStream((await AskAsync("local/dies", stream: true)).Body);
        Assert.False(told.IsWhole);
        Assert.Equal("error", told.Names.Last());
        Assert.Equal("api_error", told.Error!.Value.GetProperty("error").GetProperty("type").GetString());
    }

    private Task<Answer> AskAsync(string model, bool stream, string more = "") => _yard.PostAsync(
        "/v1/messages", $"{{\"model\":\"{model}\",\"max_tokens\":64,\"stream\":{(stream ? "true" : "false")},\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]{more}}}");

    public async ValueTask InitializeAsync() => _yard = await GatewayYard.StartAsync([], static s => s with
    {
        Worker = new WorkerCommand(ScriptedWorker.Command.Program, [.. ScriptedWorker.Command.Arguments]),
        Fleet = new FleetSettings { FirstRest = TimeSpan.FromMilliseconds(20), Memory = 2L << 30 },
        Local = [new LocalModelSettings("slow", "good,load=1500"), new LocalModelSettings("caller", "calls"), new LocalModelSettings("dies", "dies-late")],
    });

    public ValueTask DisposeAsync() => _yard.DisposeAsync();
}
