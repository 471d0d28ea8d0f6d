using System.Text.Json;

namespace Fairlead.Engine.Chat;

/// <summary>The tools of a request by name: which exist, what their arguments are.</summary>
internal sealed class ToolSchemas
{
    private readonly List<(string Name, JsonElement? Parameters)> _tools = [];

    /// <summary>Reads the tools of a request in OpenAI's form; functions without a name are none.</summary>
    public ToolSchemas(JsonElement? tools)
    {
        if (tools is not { ValueKind: JsonValueKind.Array } array)
            return;
        foreach (JsonElement tool in array.EnumerateArray())
        {
            JsonElement function = tool.ValueKind == JsonValueKind.Object && tool.TryGetProperty("function", out JsonElement inner) ? inner : tool;
            if (function.ValueKind == JsonValueKind.Object && function.TryGetProperty("name", out JsonElement name) && name.ValueKind == JsonValueKind.String)
                _tools.Add((name.GetString()!, function.TryGetProperty("parameters", out JsonElement parameters) && parameters.ValueKind == JsonValueKind.Object ? parameters : null));
        }
    }

    public bool Any => _tools.Count > 0;

    /// <summary>Names and schemas in the request's order; null for a function without parameters.</summary>
    public IReadOnlyList<(string Name, JsonElement? Parameters)> All => _tools;

    public bool Has(string name) => _tools.Exists(tool => tool.Name == name);

    /// <summary>Whether the argument is a text and nothing else, so that <c>1</c> means "1".</summary>
    public bool IsText(string tool, string key) =>
        _tools.Find(known => known.Name == tool).Parameters is { } parameters
        && parameters.TryGetProperty("properties", out JsonElement properties) && properties.ValueKind == JsonValueKind.Object
        && properties.TryGetProperty(key, out JsonElement property) && property.ValueKind == JsonValueKind.Object
        && property.TryGetProperty("type", out JsonElement type) && type.ValueKind == JsonValueKind.String && type.ValueEquals("string");
}
