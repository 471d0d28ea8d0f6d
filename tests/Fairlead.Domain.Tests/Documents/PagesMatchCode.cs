using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Domain.Routing;

namespace Fairlead.Domain.Tests.Documents;

/// <summary>docs/faults.md and docs/errors.md are the tables of the code, or this fails.</summary>
public sealed class PagesMatchCode
{
    [Fact]
    public void Every_fault_has_one_rule_and_every_rule_its_row_on_the_page()
    {
        string page = File.ReadAllText(Find("docs/faults.md"));
        Assert.Equal(Enum.GetValues<FaultKind>().Order(), FaultTable.All.Select(static r => r.Kind).Order());
        foreach (FaultRule rule in FaultTable.All)
        {
            string row = page.Split('\n').Single(line => line.Contains($"| `{rule.Kind}` |", StringComparison.Ordinal));
            Assert.StartsWith($"| {rule.Row} |", row, StringComparison.Ordinal);
            Assert.Contains($"| {(rule.TryNext ? "yes" : "no")} | {rule.Breaker.ToString().ToLowerInvariant()} | {rule.Answer.Status} [`{rule.Answer.Code}`]", row, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_code_has_its_heading_with_its_status_type_and_end_reason()
    {
        string page = File.ReadAllText(Find("docs/errors.md"));
        foreach (ProblemKind kind in ProblemKind.All.DistinctBy(static k => k.Code))
        {
            int at = page.IndexOf($"### {kind.Code}\n", StringComparison.Ordinal);
            Assert.True(at >= 0, $"docs/errors.md has no heading for {kind.Code}.");
            string section = page[at..].Split("\n### ")[0];
            int messages = AnthropicTerms.Status(kind);
            Assert.Contains($"Status {kind.Status}, type `{kind.Type}` (Messages: {messages} `{AnthropicTerms.Type(messages)}`), end reason `{kind.EndReason.Word()}`", section, StringComparison.Ordinal);
            Assert.Equal(kind.Retryable, section.Contains("may be retried", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Every_heading_of_the_page_is_a_code() =>
        Assert.Equal(
            ProblemKind.All.Select(static k => k.Code).Distinct().Order(StringComparer.Ordinal),
            File.ReadLines(Find("docs/errors.md")).Where(static line => line.StartsWith("### ", StringComparison.Ordinal)).Select(static line => line[4..]).Order(StringComparer.Ordinal));

    private static string Find(string path)
    {
        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Fairlead.slnx")))
                return Path.Combine(folder, path);
        }
        throw new DirectoryNotFoundException("These tests read the repository they were built from.");
    }
}
