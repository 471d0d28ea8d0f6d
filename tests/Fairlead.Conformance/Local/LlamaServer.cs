using Fairlead.Shared;

namespace Fairlead.Conformance.Local;

/// <summary>llama.cpp's own server as Debian builds it: <c>tests/llama/server</c>, which <c>tests/llama/install-server.sh</c> unpacks.</summary>
internal static class LlamaServer
{
    public static string Folder { get; } = Path.Combine(Checkout.Root, "tests", "llama", "server");

    public static string Program { get; } = Path.Combine(Folder, "llama-server");

    /// <summary>The gateway's own search path with the server's folder before it.</summary>
    public static IReadOnlyDictionary<string, string> OnPath { get; } = new Dictionary<string, string> { ["PATH"] = $"{Folder}:{Environment.GetEnvironmentVariable("PATH")}" };

    /// <summary>Skips the test where the server is not there, unless <c>CI=true</c>, where that is a failure.</summary>
    public static void SkipUnlessInstalled()
    {
        if (File.Exists(Program))
            return;
        const string Missing = "an external engine needs tests/llama/install-server.sh, which needs Linux on x64 and apt";
        Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") == "true", Missing);
        Assert.Fail(Missing);
    }
}
