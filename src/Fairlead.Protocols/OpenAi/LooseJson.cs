using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Reads JSON trees of providers: nothing in them throws when it is looked at.</summary>
internal static class LooseJson
{
    /// <summary>Writes text as it is, but for what JSON must escape: nothing here is put into a page.</summary>
    public static JsonSerializerOptions Relaxed { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private const int MostDepth = 128;
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = MostDepth, AllowDuplicateProperties = false };
    private static readonly JsonDocumentOptions Lenient = new() { MaxDepth = MostDepth };

    /// <summary>The object; null when the text is no JSON or no object. Of two members of one name the last counts.</summary>
    public static JsonObject? ParseObject(string text)
    {
        try
        {
            return JsonNode.Parse(text, documentOptions: Strict) as JsonObject;
        }
        catch (JsonException)
        {
            return ParseLastWins(text);
        }
    }

    /// <summary>The string; null for null and for anything else.</summary>
    public static string? AsText(this JsonNode? node) => node is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;

    // Not the usual way, since it builds every node: JsonNode itself refuses a name that stands twice, and does so late, at the first look.
    private static JsonObject? ParseLastWins(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, Lenient);
            return Node(document.RootElement) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static JsonNode? Node(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var json = new JsonObject();
                foreach (JsonProperty member in element.EnumerateObject())
                    json[member.Name] = Node(member.Value);
                return json;
            case JsonValueKind.Array:
                var array = new JsonArray();
                foreach (JsonElement item in element.EnumerateArray())
                    array.Add(Node(item));
                return array;
            case JsonValueKind.Null:
                return null;
            default:
                return JsonValue.Create(element.Clone());
        }
    }
}
