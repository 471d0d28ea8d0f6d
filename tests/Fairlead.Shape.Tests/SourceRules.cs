using System.Text.RegularExpressions;

namespace Fairlead.Shape.Tests;

/// <summary>The rules of the guide that a program can check, over the sources as text.</summary>
public sealed partial class SourceRules
{
    [GeneratedRegex(@"\b(class|struct|record|interface|enum)\s+\w*(Manager|Helper|Helpers|Util|Utils|Utility|Common|Impl|Info)\b", RegexOptions.ExplicitCapture)]
    private static partial Regex EmptyWords();

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX)\b|NotImplementedException", RegexOptions.ExplicitCapture)]
    private static partial Regex Promises();

    [GeneratedRegex(@"catch\s*(\([^)]*\))?\s*\{\s*\}", RegexOptions.ExplicitCapture)]
    private static partial Regex Swallowed();

    [GeneratedRegex(@"^\s*#\s*region", RegexOptions.ExplicitCapture | RegexOptions.Multiline)]
    private static partial Regex Regions();

    [GeneratedRegex(@"\basync\s+void\b|\.Result\b(?!\s*[=!<>?.)(\w])", RegexOptions.ExplicitCapture)]
    private static partial Regex Blocking();

    [GeneratedRegex(@"\bnew\s+(HttpClient|SocketsHttpHandler|HttpClientHandler)\b", RegexOptions.ExplicitCapture)]
    private static partial Regex HttpClients();

    [GeneratedRegex(@"^\s*(using\s+System\.(IO|Net|Threading|Diagnostics)\b|.*\b(File|Directory|Socket|Environment|Console|Stopwatch)\.)", RegexOptions.ExplicitCapture | RegexOptions.Multiline)]
    private static partial Regex InputOutput();

    [Fact]
    public void No_type_is_named_by_a_word_that_says_nothing() => None(Sources(), EmptyWords());

    [Fact]
    public void No_promise_stands_in_place_of_code() => None(Sources(), Promises());

    [Fact]
    public void No_exception_is_swallowed_without_a_word() => None(Sources(), Swallowed());

    [Fact]
    public void No_region_hides_length() => None(Sources(), Regions());

    [Fact]
    public void Nothing_blocks_on_a_task_and_no_task_is_without_an_owner() => None(Sources(), Blocking());

    [Fact]
    public void The_domain_does_no_input_or_output() => None(Repository.SourceFiles(Path.Combine(Repository.Root, "src", "Fairlead.Domain")), InputOutput());

    [Fact]
    public void Only_the_admin_client_and_the_probes_of_runners_and_workers_build_http_clients() =>
        None(Sources().Where(static f => !f.Contains("/Fairlead.Api/", StringComparison.Ordinal) && Path.GetFileName(f) is not ("ProbeClient.cs" or "WorkerProbe.cs")), HttpClients());

    [Fact]
    public void Public_types_say_what_their_signature_cannot()
    {
        // The log half of a partial type is documented where its story stands.
        foreach (string file in Sources().Where(static f => !f.EndsWith(".Log.cs", StringComparison.Ordinal)))
        {
            string[] lines = File.ReadAllLines(file);
            for (int i = 0; i < lines.Length; i++)
            {
                if (!Regex.IsMatch(lines[i], @"^public\s+(static\s+|sealed\s+|abstract\s+|partial\s+|readonly\s+)*(class|record|struct|interface|enum|delegate)\b"))
                    continue;
                int above = i - 1;
                while (above >= 0 && lines[above].StartsWith('['))
                    above--;
                bool documented = above >= 0 && lines[above].TrimStart().StartsWith("///", StringComparison.Ordinal);
                bool small = lines[i].Contains("enum", StringComparison.Ordinal) || lines[i].TrimEnd().EndsWith(';');
                Assert.True(documented || small || lines[i].Contains("static class", StringComparison.Ordinal), $"{Relative(file)}:{i + 1} has no doc comment: {lines[i].Trim()}");
            }
        }
    }

    private static IEnumerable<string> Sources() => Repository.SourceFiles(Path.Combine(Repository.Root, "src"));

    private static void None(IEnumerable<string> files, Regex rule)
    {
        List<string> found = [];
        foreach (string file in files)
        {
            string text = File.ReadAllText(file);
            foreach (Match match in rule.Matches(text))
                found.Add($"{Relative(file)}:{text.AsSpan(0, match.Index).Count('\n') + 1}: {match.Value.Trim()}");
        }
        Assert.True(found.Count == 0, string.Join('\n', found));
    }

    private static string Relative(string file) => Path.GetRelativePath(Repository.Root, file);
}
