using System.Diagnostics;

namespace Fairlead.Engine.Tests.Constraints;

/// <summary>ajv with ajv-formats, run by node over one batch of answers (tests/clients/validate-answers.mjs).</summary>
internal static class IndependentValidator
{
    private static readonly string Folder = Path.Combine(Goldens.Data, "..", "clients");

    /// <summary>
    /// What the script says of <paramref name="batch"/>: <c>N valid</c>, or the answers that are not. Skips the test on a machine without node,
    /// unless <c>CI=true</c>, where a missing node is a failure.
    /// </summary>
    public static async Task<string> JudgeAsync(string batch, CancellationToken cancellationToken)
    {
        if (await TryRunAsync("node", ["--version"], "", cancellationToken) is null)
        {
            Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") == "true", "node is not on this machine, so no independent validator has judged the answers");
            Assert.Fail("node is missing, and CI=true");
        }

        // An older checkout may have installed the clients before the validator was among them.
        if (!Directory.Exists(Path.Combine(Folder, "node_modules", "ajv-formats")))
        {
            (int code, string said) = await TryRunAsync("npm", ["ci", "--no-audit", "--no-fund"], "", cancellationToken) ?? (-1, "npm is not on this machine");
            Assert.True(code == 0, $"npm ci ended with {code}.\n{said}");
        }

        (int ended, string verdict) = (await TryRunAsync("node", ["validate-answers.mjs"], batch, cancellationToken))!.Value;
        Assert.True(ended is 0 or 1, $"validate-answers.mjs ended with {ended}.\n{verdict}");
        return verdict.Trim();
    }

    private static async Task<(int Code, string Output)?> TryRunAsync(string program, string[] arguments, string input, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Folder, UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }

        using (process)
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            Task<string> errors = process.StandardError.ReadToEndAsync(cancellationToken);
            try
            {
                await process.StandardInput.WriteAsync(input.AsMemory(), cancellationToken);
                process.StandardInput.Close();
                await process.WaitForExitAsync(cancellationToken);
                return (process.ExitCode, await output + await errors);
            }
            finally
            {
                if (!process.HasExited)
                    process.Kill(entireProcessTree: true);
            }
        }
    }
}
