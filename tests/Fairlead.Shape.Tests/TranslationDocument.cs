using System.Text;
using Fairlead.Protocols.Translation;

namespace Fairlead.Shape.Tests;

/// <summary>The tables of docs/protocols/anthropic.md are made from the translators' own. <c>FAIRLEAD_WRITE_DOCS=true</c> writes them anew.</summary>
public sealed class TranslationDocument
{
    private static readonly string Path_ = Path.Combine(Repository.Root, "docs", "protocols", "anthropic.md");

    public static TheoryData<string> Directions => ["ChatToMessages", "MessagesToChat"];

    [Theory, MemberData(nameof(Directions))]
    public void The_table_says_what_the_code_does(string direction)
    {
        string document = File.ReadAllText(Path_);
        string begin = $"<!-- TranslationTable.{direction} -->\n";
        const string End = "<!-- end -->\n";
        int from = document.IndexOf(begin, StringComparison.Ordinal);
        Assert.True(from >= 0, $"docs/protocols/anthropic.md has no place for {direction}.");
        from += begin.Length;
        int to = document.IndexOf(End, from, StringComparison.Ordinal);
        string table = Table(direction == "ChatToMessages" ? TranslationTable.ChatToMessages : TranslationTable.MessagesToChat);
        if (Environment.GetEnvironmentVariable("FAIRLEAD_WRITE_DOCS") == "true")
            File.WriteAllText(Path_, document[..from] + table + document[to..]);
        else
            Assert.Equal(table, document[from..to]);
    }

    private static string Table(IEnumerable<TranslationRow> rows)
    {
        var table = new StringBuilder("| Field | | Becomes |\n|---|---|---|\n");
        foreach (TranslationRow row in rows)
            table.Append(System.Globalization.CultureInfo.InvariantCulture, $"| {Name(row.Field)} | {row.Fate.ToString().ToLowerInvariant()} | {row.Becomes.Replace("|", "\\|", StringComparison.Ordinal)} |\n");
        return table.ToString();
    }

    /// <summary>Paths of fields as code, what qualifies one behind a colon as words.</summary>
    private static string Name(string field)
    {
        int colon = field.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? string.Join(", ", field.Split(", ").Select(static path => $"`{path}`")) : $"`{field[..colon]}`{field[colon..]}";
    }
}
