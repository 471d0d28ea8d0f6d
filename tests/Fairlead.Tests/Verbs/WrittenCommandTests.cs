using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using Fairlead.Verbs;

namespace Fairlead.Tests.Verbs;

/// <summary>Every command line that a document or an error text names is one that the product takes.</summary>
public sealed partial class WrittenCommandTests
{
    /// <summary>A command in a document: alone on a line of a block, or between backticks.</summary>
    [GeneratedRegex(@"(^(\./)?|`(\./)?)fairlead (?<line>[^`#\n|]+)", RegexOptions.ExplicitCapture | RegexOptions.Multiline)]
    private static partial Regex InDocuments();

    /// <summary>A command in a text of the product: between single quotes.</summary>
    [GeneratedRegex("'fairlead (?<line>[^'\n]+)'", RegexOptions.ExplicitCapture)]
    private static partial Regex InTexts();

    public static TheoryData<string, string> Lines()
    {
        var lines = new TheoryData<string, string>();
        Find(Directory.EnumerateFiles(Path.Combine(Root, "docs"), "*.md", SearchOption.AllDirectories).Append(Path.Combine(Root, "README.md")), InDocuments());
        Find(Directory.EnumerateFiles(Path.Combine(Root, "src"), "*.cs", SearchOption.AllDirectories).Where(static f => !f.Contains("/obj/", StringComparison.Ordinal)), InTexts());
        return lines;

        void Find(IEnumerable<string> files, Regex pattern)
        {
            foreach (string file in files.Order(StringComparer.Ordinal))
            {
                foreach (string line in pattern.Matches(File.ReadAllText(file)).Select(static m => m.Groups["line"].Value.Trim()).Distinct(StringComparer.Ordinal))
                    lines.Add(Path.GetRelativePath(Root, file), line);
            }
        }
    }

    [Theory, MemberData(nameof(Lines))]
    public void A_command_that_is_written_down_parses(string file, string line)
    {
        // A verb alone stands for itself with whatever it needs.
        string[] words = [.. CommandLineParser.SplitCommandLine(line)];
        ParseResult parsed = CommandTree.Build().Parse(words);
        bool named = words.All(static w => !w.StartsWith('-')) && parsed.CommandResult.Command.Name == words[^1] && parsed.UnmatchedTokens.Count == 0;
        Assert.True(named || parsed.Errors.Count == 0, $"{file}: fairlead {line}: {string.Join(' ', parsed.Errors.Select(static e => e.Message))}");
    }

    private static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        string root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Fairlead.slnx")))
            root = Path.GetDirectoryName(root)!;
        return root;
    }
}
