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

    /// <summary>JSON on standard output, as readable as it may be: only what JSON itself demands is escaped, and what a terminal would obey.</summary>
    public static void Json<T>(T value, JsonTypeInfo<T> type)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            JsonSerializer.Serialize(json, value, type);
        Console.Out.WriteLine(System.Text.Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length));
    }

    /// <summary>The same on one line, for those who read a stream of them.</summary>
    public static void JsonLine<T>(T value, JsonTypeInfo<T> type) => Json(JsonSerializer.SerializeToNode(value, type)!.AsObject());

    /// <summary>Whether lines may be drawn again: a person looks at a terminal that knows how.</summary>
    public static bool Redraws(bool isRedirected) => !isRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");

    /// <summary>One JSON object on one line of standard output.</summary>
    public static void Json(System.Text.Json.Nodes.JsonObject value) =>
        Console.Out.WriteLine(value.ToJsonString(new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));

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
