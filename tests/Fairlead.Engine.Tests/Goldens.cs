using Fairlead.Shared;

namespace Fairlead.Engine.Tests;

/// <summary>Where the reference implementations' answers lie: copies in the repository, and the shared folder for what may not be copied.</summary>
internal static class Goldens
{
    /// <summary>The repository's <c>tests/data</c>.</summary>
    public static string Data { get; } = Path.Combine(Checkout.Root, "tests", "data");

    /// <summary>The trained model that ships with the product.</summary>
    public static string Guide { get; } = Path.Combine(Checkout.Root, "models", "guide");

    /// <summary>A folder of <c>tests/data/goldens</c>: one small checkpoint with what the reference made of it.</summary>
    public static string Checkpoint(string name) => Path.Combine(Data, "goldens", name);

    /// <summary>
    /// A path in the team's folder of fixtures that may not be copied here. Skips the test where that folder is missing, unless <c>CI=true</c>,
    /// where a missing folder is a failure.
    /// </summary>
    public static string Shared(string path)
    {
        string full = Path.GetFullPath(Path.Combine(Checkout.Root, "..", "shared", "fixtures", path));
        if (!Path.Exists(full))
        {
            Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") == "true", $"{path} of the shared fixtures is not on this machine");
            Assert.Fail($"{full} is missing, and CI=true");
        }

        return full;
    }
}
