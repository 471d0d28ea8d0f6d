using Fairlead.Shared;

namespace Fairlead.Fleet.Tests.Workers;

/// <summary>What passes between a worker and what is around it: nothing of our secrets goes in, and nothing of its control characters comes out.</summary>
public sealed class WorkerSurroundingsTests : IAsyncDisposable
{
    private readonly ProcessYard _yard = new();

    [Fact]
    public async Task Nothing_of_our_environment_but_what_a_program_needs_reaches_a_worker()
    {
        Environment.SetEnvironmentVariable("FAIRLEAD_TEST_SECRET", "s3cret");
        await ProcessYard.LoadedAsync(_yard.Scripted("environment"));
        string environment = _yard.Notes.Single(static line => line.StartsWith('{'));
        Assert.DoesNotContain("s3cret", environment, StringComparison.Ordinal);
        Assert.Contains("\"PATH\"", environment, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_lines_of_a_worker_stand_in_our_log_with_its_name_and_without_control_characters()
    {
        await ProcessYard.LoadedAsync(_yard.Scripted("talks"));
        await ScriptedWorker.UntilAsync(() => _yard.Log.Contains("local/scripted: another one with  [31mcolour"), string.Join('\n', _yard.Log));
        Assert.Contains("local/scripted: a line of the log", _yard.Log);
    }

    public ValueTask DisposeAsync() => _yard.DisposeAsync();
}
