using System.Text.RegularExpressions;

namespace Fairlead.Shape.Tests;

/// <summary>Prose rots; what can be checked of it is.</summary>
public sealed partial class Documents
{
    [GeneratedRegex(@"\]\((?!https?:|#|mailto:)(?<path>[^)#\s]+)(#[^)]*)?\)", RegexOptions.ExplicitCapture)]
    private static partial Regex Links();

    public static TheoryData<string> All() =>
        [.. Directory.EnumerateFiles(Repository.Root, "*.md", SearchOption.AllDirectories)
            .Where(static f => !f.Contains("/node_modules/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal)
                && !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/.build/", StringComparison.Ordinal))
            .Select(static f => Path.GetRelativePath(Repository.Root, f)).Order()];

    [Theory, MemberData(nameof(All))]
    public void Every_path_that_a_document_links_to_exists(string document)
    {
        string folder = Path.GetDirectoryName(Path.Combine(Repository.Root, document))!;
        foreach (Match link in Links().Matches(File.ReadAllText(Path.Combine(Repository.Root, document))))
        {
            string target = Path.GetFullPath(Path.Combine(folder, link.Groups["path"].Value));
            Assert.True(File.Exists(target) || Directory.Exists(target), $"{document} links to {link.Groups["path"].Value}, which is not there.");
        }
    }
}
