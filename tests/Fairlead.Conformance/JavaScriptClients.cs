using System.Diagnostics;
using System.Text.Json;
using Fairlead.Domain.Inference;
using Fairlead.Shared;

namespace Fairlead.Conformance;

/// <summary>What one scenario of a script said.</summary>
internal sealed record ScenarioLine(string Client, string Scenario, bool Ok, string Detail);

/// <summary>Runs the scripts of tests/clients, installing their packages first where that has not been done.</summary>
internal static class JavaScriptClients
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);
    private static readonly SemaphoreSlim Installing = new(1, 1);

    public static string Folder { get; } = Path.Combine(Checkout.Root, "tests", "clients");

    /// <summary>The lines that <paramref name="script"/> has printed; a script that ends badly or says nothing fails here.</summary>
    /// <param name="script">Its name.</param>
    /// <param name="gateway">What it talks to.</param>
    /// <param name="spoken">What the provider behind the models speaks.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static Task<IReadOnlyList<ScenarioLine>> RunAsync(string script, Gateway gateway, Dialect spoken, CancellationToken cancellationToken) => RunAsync(
        script,
        new Dictionary<string, string>
        {
            ["PROVIDER"] = new Uri((spoken is Dialect.Anthropic ? gateway.Anthropic : gateway.Upstream).Url, "/").ToString(),
            ["SPOKEN"] = spoken is Dialect.Anthropic ? "anthropic" : "openai",
            ["CHAT_MODEL"] = spoken is Dialect.Anthropic ? Gateway.ClaudeModel : Gateway.ChatModel,
            ["BROKEN_MODEL"] = Gateway.BrokenModel(Path.GetFileNameWithoutExtension(script), spoken),
            ["FLAKY_MODEL"] = Gateway.FlakyModel(Path.GetFileNameWithoutExtension(script), spoken),
            ["LIMITED_MODEL"] = Gateway.LimitedModel(Path.GetFileNameWithoutExtension(script), spoken),
            ["BASE_URL"] = gateway.Process.BaseUrl.ToString(),
            ["KEY"] = gateway.Process.Key,
            ["POOR_KEY"] = gateway.PoorKey,
            ["WRONG_KEY"] = Gateway.WrongKey,
        },
        cancellationToken);

    /// <inheritdoc cref="RunAsync(string, Gateway, Dialect, CancellationToken)"/>
    public static async Task<IReadOnlyList<ScenarioLine>> RunAsync(string script, Dictionary<string, string> variables, CancellationToken cancellationToken)
    {
        await InstallAsync(cancellationToken);
        (int code, string output, string errors) = await StartAsync("node", [script], variables, cancellationToken);
        ScenarioLine[] lines = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(static l => l.StartsWith('{')).Select(static l => JsonSerializer.Deserialize<ScenarioLine>(l, Json)!)];
        Assert.True(code == 0 && lines.Length > 0, $"node {script} ended with {code} after {lines.Length} scenarios.\n{output}\n{errors}");
        return lines;
    }

    private static async Task InstallAsync(CancellationToken cancellationToken)
    {
        await Installing.WaitAsync(cancellationToken);
        try
        {
            // npm writes this file last, so its presence says that an earlier install came to its end.
            if (File.Exists(Path.Combine(Folder, "node_modules", ".package-lock.json")))
                return;
            (int code, string output, string errors) = await StartAsync("npm", ["ci", "--no-audit", "--no-fund"], [], cancellationToken);
            Assert.True(code == 0, $"npm ci ended with {code}.\n{output}\n{errors}");
        }
        finally
        {
            Installing.Release();
        }
    }

    private static async Task<(int Code, string Output, string Errors)> StartAsync(
        string program, string[] arguments, Dictionary<string, string> variables, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = Folder, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in variables)
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        Task<string> errors = process.StandardError.ReadToEndAsync(cancellationToken);
        try
        {
            await process.WaitForExitAsync(cancellationToken);
            return (process.ExitCode, await output, await errors);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }
}
