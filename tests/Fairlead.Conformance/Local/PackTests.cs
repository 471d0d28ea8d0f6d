using System.Text.Json.Nodes;
using CliResult = Fairlead.Yard.CliResult;

namespace Fairlead.Conformance.Local;

/// <summary>Packed weights on disk, as an operator meets them: a folder, two lines of the log, a bound.</summary>
public sealed class PackTests(LocalCheckpoints checkpoints)
{
    private const string Wanted = ",\"max_tokens\":8,\"min_tokens\":8,\"temperature\":0,\"logprobs\":true";

    [Fact]
    public async Task The_second_load_reads_what_the_first_has_packed_and_answers_the_same()
    {
        await using LocalYard yard = await LocalYard.StartAsync($"local: {{ small: {{ source: {checkpoints.Small}, slots: 2 }} }}");
        JsonNode first = await ChoicesAsync(yard);
        await yard.UntilAsync(() => yard.Fairlead.Output.Contains("The packed weights are kept for the next load in", StringComparison.Ordinal), "the weights are kept");
        CliResult stopped = await yard.Fairlead.CliAsync("stop", "small");
        Assert.True(stopped.ExitCode == 0, stopped.Stderr);
        JsonNode second = await ChoicesAsync(yard);
        Assert.True(JsonNode.DeepEquals(first, second), $"{first}\n{second}");
        await yard.UntilAsync(() => yard.Fairlead.Output.Contains("; read from a pack ", StringComparison.Ordinal), "the log says so");
        string packs = Path.Combine(yard.Fairlead.DataFolder, "packs");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(packs));
        Assert.Single(Directory.EnumerateFiles(packs, "*.pack", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task With_no_room_for_packs_none_are_kept()
    {
        await using LocalYard yard = await LocalYard.StartAsync($"local: {{ small: {{ source: {checkpoints.Small}, slots: 2 }} }}\nfleet: {{ packs: 0 }}");
        await ChoicesAsync(yard);
        CliResult stopped = await yard.Fairlead.CliAsync("stop", "small");
        Assert.True(stopped.ExitCode == 0, stopped.Stderr);
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(yard.Fairlead.DataFolder, "packs")));
        Assert.DoesNotContain("kept for the next load", yard.Fairlead.Output, StringComparison.Ordinal);
    }

    private static async Task<JsonNode> ChoicesAsync(LocalYard yard)
    {
        LocalAnswer answer = await yard.AskAsync("local/small", Wanted);
        Assert.True(answer.Status == System.Net.HttpStatusCode.OK, answer.Text);
        return JsonNode.Parse(answer.Text)!["choices"]!;
    }
}
