namespace Fairlead.Shared;

/// <summary>The repository that these tests were built from.</summary>
internal static class Checkout
{
    // looked for when it is asked for: the tests of one library need the repository, but no build of the product
    private static readonly Lazy<string> s_binary = new(FindBinary);

    public static string Root { get; } = FindRoot();

    /// <summary>The product as built beside the tests: the newer of the debug and the release build.</summary>
    public static string Binary => s_binary.Value;

    private static string FindRoot()
    {
        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Fairlead.slnx")))
                return folder;
        }
        throw new DirectoryNotFoundException("No Fairlead.slnx above the tests; they need the repository they were built from.");
    }

    private static string FindBinary()
    {
        string bin = Path.Combine(Root, "src", "Fairlead", "bin");
        return new[] { "Debug", "Release" }
            .Select(configuration => Path.Combine(bin, configuration, "net10.0", "fairlead"))
            .Where(File.Exists)
            .MaxBy(static path => File.GetLastWriteTimeUtc(Path.ChangeExtension(path, ".dll")))
            ?? throw new FileNotFoundException($"No build of the product below {bin}. Build it: dotnet build src/Fairlead");
    }
}
