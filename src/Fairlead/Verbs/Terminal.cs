using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Spectre.Console;

namespace Fairlead.Verbs;

/// <summary>How verbs print: data on standard output, all else on standard error; no colours where nobody sees them; no control sequences from others.</summary>
internal static class Terminal
{
    /// <summary>Text of a server or provider, made harmless for a terminal.</summary>
    public static string Safe(string? text) =>
        text is null ? "" : string.Concat(text.Where(static c => !char.IsControl(c) || c == '\n').Select(static c => c.ToString()));

    public static void Json<T>(T value, JsonTypeInfo<T> type) => Console.Out.WriteLine(JsonSerializer.Serialize(value, type));

    /// <summary>A table on standard output, plain where it is piped.</summary>
    public static void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string?>> rows)
    {
        if (Console.IsOutputRedirected || Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 })
        {
            List<IReadOnlyList<string>> cells = [columns, .. rows.Select(static row => row.Select(Safe).ToList())];
            int[] widths = [.. columns.Select((_, i) => cells.Max(row => row[i].Length))];
            foreach (IReadOnlyList<string> row in cells)
                Console.Out.WriteLine(string.Join("  ", row.Select((cell, i) => i == row.Count - 1 ? cell : cell.PadRight(widths[i]))).TrimEnd());
            return;
        }
        var table = new Table { Border = TableBorder.Simple };
        foreach (string column in columns)
            table.AddColumn(new TableColumn(Markup.Escape(column)));
        foreach (IReadOnlyList<string?> row in rows)
            table.AddRow([.. row.Select(static cell => Markup.Escape(Safe(cell)))]);
        AnsiConsole.Write(table);
    }
}
