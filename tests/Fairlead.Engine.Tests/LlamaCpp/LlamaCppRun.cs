using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using Fairlead.Engine.Tests.Formats;

namespace Fairlead.Engine.Tests.LlamaCpp;

/// <summary>A question to llama.cpp: the logits after each token of a prompt and of a greedy continuation.</summary>
internal sealed record LlamaCppJob(string Model, int[] Tokens, int Greedy);

/// <summary>What it answered, or why it could not load the file.</summary>
/// <param name="Added">The tokens it added.</param>
/// <param name="Logits"><c>[tokens + added × vocabulary]</c>.</param>
internal sealed record LlamaCppAnswer(int[] Added, float[] Logits, string? Error);

/// <summary>llama.cpp as the npm package <c>node-llama-cpp</c> carries it: <c>tests/llama</c>, which <c>test.sh</c> installs.</summary>
internal static class LlamaCppRun
{
    private static readonly string s_folder = Path.Combine(Goldens.Data, "..", "llama");

    /// <summary>Skips the test where the package is not installed, unless <c>CI=true</c>, where that is a failure.</summary>
    public static void SkipUnlessInstalled()
    {
        bool there = Directory.Exists(Path.Combine(s_folder, "node_modules", "node-llama-cpp")) && Directory.Exists(Path.Combine(s_folder, "node_modules", "@node-llama-cpp"));
        if (there)
            return;
        const string Missing = "the comparison with llama.cpp needs Linux on x64, node and, in tests/llama, npm install --no-save --omit=optional --ignore-scripts";
        Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") == "true", Missing);
        Assert.Fail(Missing);
    }

    /// <summary>All jobs in one process, in order.</summary>
    public static async Task<List<LlamaCppAnswer>> AskAsync(IReadOnlyList<LlamaCppJob> jobs, CancellationToken cancellationToken)
    {
        using TemporaryFolder temporary = new();
        string list = temporary.Write("jobs.json", JsonSerializer.Serialize(jobs.Select((job, i) => new { model = job.Model, tokens = job.Tokens, greedy = job.Greedy, output = temporary[$"{i}.logits"] })));
        using Process node = Process.Start(new ProcessStartInfo("node", [Path.Combine(s_folder, "logits.mjs"), list]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })
            ?? throw new InvalidOperationException("node did not start");
        try
        {
            Task<string> errors = node.StandardError.ReadToEndAsync(cancellationToken);
            string output = await node.StandardOutput.ReadToEndAsync(cancellationToken);
            await node.WaitForExitAsync(cancellationToken);
            string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.True(node.ExitCode == 0 && lines.Length == jobs.Count, $"node ended with {node.ExitCode} after {lines.Length} of {jobs.Count} answers\n{output}\n{await errors}");
            return [.. lines.Select((line, i) => Read(line, temporary[$"{i}.logits"]))];
        }
        finally
        {
            if (!node.HasExited)
                node.Kill();
        }
    }

    private static LlamaCppAnswer Read(string line, string logits)
    {
        JsonElement answer = JsonDocument.Parse(line).RootElement;
        return answer.TryGetProperty("error", out JsonElement error)
            ? new LlamaCppAnswer([], [], error.GetString())
            : new LlamaCppAnswer([.. answer.GetProperty("tokens").EnumerateArray().Select(static token => token.GetInt32())], MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(logits)).ToArray(), null);
    }
}
