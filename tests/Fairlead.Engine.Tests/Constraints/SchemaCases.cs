using System.Text.Json;

namespace Fairlead.Engine.Tests.Constraints;

/// <summary>One entry of <c>tests/data/schemas.json</c>.</summary>
/// <param name="Name">What it is about.</param>
/// <param name="Schema">The schema as JSON text.</param>
/// <param name="Draft">7, or 2020 where nothing is said.</param>
/// <param name="Valid">Texts that must be accepted.</param>
/// <param name="Invalid">Texts that must not, and the byte at which that shows.</param>
internal sealed record SchemaCase(string Name, string Schema, int Draft, IReadOnlyList<string> Valid, IReadOnlyList<(string Text, int At)> Invalid)
{
    /// <summary>All of them, from easy to hard.</summary>
    public static IReadOnlyList<SchemaCase> All { get; } = Load();

    private static List<SchemaCase> Load()
    {
        using var file = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Goldens.Data, "schemas.json")));
        return
        [
            .. file.RootElement.EnumerateArray().Select(static one => new SchemaCase(
                one.GetProperty("name").GetString()!,
                one.GetProperty("schema").GetRawText(),
                one.TryGetProperty("draft", out JsonElement draft) ? draft.GetInt32() : 2020,
                one.TryGetProperty("valid", out JsonElement valid) ? [.. valid.EnumerateArray().Select(static text => text.GetString()!)] : [],
                one.TryGetProperty("invalid", out JsonElement invalid)
                    ? [.. invalid.EnumerateArray().Select(static text => (text.GetProperty("text").GetString()!, text.GetProperty("at").GetInt32()))]
                    : [])),
        ];
    }
}
