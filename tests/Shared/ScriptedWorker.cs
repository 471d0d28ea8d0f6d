using System.Diagnostics;

namespace Fairlead.Shared;

/// <summary>A program that keeps a worker's contract as far as its "model" says: a real child process, with a real socket.</summary>
internal static class ScriptedWorker
{
    /// <summary>How long something may take that must come about, on a machine that has other suites on its cores.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Node, and what it has to run.</summary>
    public static (string Program, string[] Arguments) Command { get; } = (Node(), [Path.Combine(Checkout.Root, "tests", "Shared", "scripted-worker.mjs")]);

    /// <summary>Polls until something about another process is true: there is nothing to await.</summary>
    public static async Task UntilAsync(Func<bool> holds, string what)
    {
        long began = Stopwatch.GetTimestamp();
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!holds())
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < Patience, $"Did not come about: {what}");
            await poll.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }

    private static string Node() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(static folder => Path.Combine(folder, "node")).FirstOrDefault(File.Exists)
        ?? throw new FileNotFoundException("These tests need node, which test.sh installs.");
}
