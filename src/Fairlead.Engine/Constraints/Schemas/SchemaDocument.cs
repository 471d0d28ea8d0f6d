using System.Text;
using System.Text.Json;

namespace Fairlead.Engine.Constraints.Schemas;

/// <summary>One schema inside a document: its place is its identity.</summary>
internal sealed record SchemaNode(int Id, string Pointer, JsonElement Json)
{
    public bool Equals(SchemaNode? other) => other is not null && other.Id == Id;

    public override int GetHashCode() => Id;

    /// <summary>The value of <paramref name="keyword"/>, if the schema has it.</summary>
    public bool TryGet(string keyword, out JsonElement value)
    {
        value = default;
        return Json.ValueKind == JsonValueKind.Object && Json.TryGetProperty(keyword, out value);
    }

    /// <summary>A refusal that blames <paramref name="keyword"/> of this schema.</summary>
    public ConstraintException Refuse(string keyword, string reason) => new(Pointer + "/" + SchemaDocument.EscapePointer(keyword), reason);
}

/// <summary>A schema document: bounded, parsed once, its parts by JSON pointer.</summary>
internal sealed class SchemaDocument
{
    /// <summary>Bytes of a document.</summary>
    public const int MaxBytes = 32 * 1024;

    /// <summary>Schemas inside schemas, references not counted.</summary>
    public const int MaxDepth = 16;

    private readonly Dictionary<string, SchemaNode> _nodes = [];
    private readonly Dictionary<string, string> _anchors = [];

    /// <summary>Parses <paramref name="text"/>.</summary>
    /// <exception cref="ConstraintException">It is no JSON, too long, too deep, or names a property twice.</exception>
    public SchemaDocument(string text)
    {
        // Never more than three bytes for a UTF-16 unit: the text is not encoded before its length is known.
        if (text.Length > MaxBytes || Encoding.UTF8.GetByteCount(text) > MaxBytes)
            throw new ConstraintException("", $"the schema is longer than {MaxBytes / 1024} KiB");
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        try
        {
            RefuseHalfPairs(bytes);
            using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { AllowDuplicateProperties = false });
            Root = document.RootElement.ValueKind is JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False
                ? Node("", document.RootElement.Clone())
                : throw new ConstraintException("", "a schema is an object, true or false");
        }
        catch (JsonException e)
        {
            throw new ConstraintException("", $"the schema is no JSON that can be read: {e.Message}", e);
        }

        Visit(Root.Json, "", 1);
    }

    /// <summary>The whole document as a schema.</summary>
    public SchemaNode Root { get; }

    /// <summary>A name as part of a pointer (RFC 6901 §3).</summary>
    public static string EscapePointer(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    /// <summary>The schema under <paramref name="keyword"/> of <paramref name="parent"/>, or under <paramref name="keyword"/> and <paramref name="name"/>.</summary>
    public SchemaNode Child(SchemaNode parent, string keyword, JsonElement json, string? name = null)
    {
        string pointer = $"{parent.Pointer}/{keyword}" + (name is null ? "" : "/" + EscapePointer(name));
        return json.ValueKind is JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False
            ? Node(pointer, json)
            : throw new ConstraintException(pointer, "a schema is an object, true or false");
    }

    /// <summary>A schema that stands nowhere: what <paramref name="parent"/> means by <paramref name="keyword"/>, written out.</summary>
    public SchemaNode Implied(SchemaNode parent, string keyword, string json)
    {
        using var document = JsonDocument.Parse(json);
        return Node($"{parent.Pointer}/{keyword}", document.RootElement.Clone());
    }

    /// <summary>What the <c>$ref</c> of <paramref name="from"/> refers to.</summary>
    /// <exception cref="ConstraintException">It leads out of the document or nowhere.</exception>
    public SchemaNode Resolve(SchemaNode from, JsonElement reference)
    {
        string text = reference.ValueKind == JsonValueKind.String ? reference.GetString()! : throw from.Refuse("$ref", "a reference is a string");
        if (!text.StartsWith('#'))
            throw from.Refuse("$ref", $"'{text}' leads out of the schema; only references within it (#/$defs/…) are followed");
        string pointer = Uri.UnescapeDataString(text[1..]);
        if (pointer.Length > 0 && pointer[0] != '/' && !_anchors.TryGetValue(pointer, out pointer!))
            throw from.Refuse("$ref", $"'{text}' names an anchor that the schema has not");
        if (_nodes.TryGetValue(pointer, out SchemaNode? known))
            return known;
        JsonElement at = Root.Json;
        foreach (string part in pointer.Split('/').Skip(1))
        {
            string name = part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            bool found = at.ValueKind switch
            {
                JsonValueKind.Object => at.TryGetProperty(name, out at),
                JsonValueKind.Array => int.TryParse(name, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int index) && index < at.GetArrayLength() && Enter(index),
                _ => false,
            };
            if (!found)
                throw from.Refuse("$ref", $"'{text}' leads nowhere");

            bool Enter(int index)
            {
                at = at[index];
                return true;
            }
        }

        return at.ValueKind is JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False
            ? Node(pointer, at)
            : throw from.Refuse("$ref", $"'{text}' leads to what is no schema");
    }

    /// <summary>Half of a surrogate pair (<c>\ud800</c>) is JSON and no text; everything behind this may ask strings for their text.</summary>
    private static void RefuseHalfPairs(byte[] json)
    {
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName) || !reader.ValueIsEscaped)
                continue;
            try
            {
                reader.GetString();
            }
            catch (InvalidOperationException e)
            {
                throw new ConstraintException("", $"the schema holds half of a surrogate pair at byte {reader.TokenStartIndex}", e);
            }
        }
    }

    private SchemaNode Node(string pointer, JsonElement json)
    {
        if (!_nodes.TryGetValue(pointer, out SchemaNode? node))
            _nodes.Add(pointer, node = new SchemaNode(_nodes.Count, pointer, json));
        return node;
    }

    /// <summary>Measures the depth of schemas and collects anchors. The recursion is bounded by the reader, which allows 64 levels of JSON.</summary>
    private void Visit(JsonElement schema, string pointer, int depth)
    {
        if (depth > MaxDepth)
            throw new ConstraintException(pointer, $"schemas nest more than {MaxDepth} deep; use $defs and $ref");
        if (schema.ValueKind != JsonValueKind.Object)
            return;
        if (schema.TryGetProperty("$anchor", out JsonElement anchor) && anchor.ValueKind == JsonValueKind.String)
            _anchors.TryAdd(anchor.GetString()!, pointer);
        foreach (JsonProperty keyword in schema.EnumerateObject())
        {
            string at = $"{pointer}/{EscapePointer(keyword.Name)}";
            switch (keyword.Name)
            {
                case "properties" or "patternProperties" or "$defs" or "definitions" or "dependentSchemas" when keyword.Value.ValueKind == JsonValueKind.Object:
                    foreach (JsonProperty named in keyword.Value.EnumerateObject())
                        Visit(named.Value, $"{at}/{EscapePointer(named.Name)}", keyword.Name is "$defs" or "definitions" ? depth : depth + 1);
                    break;
                case "allOf" or "anyOf" or "oneOf" or "prefixItems" or "items" when keyword.Value.ValueKind == JsonValueKind.Array:
                    int index = 0;
                    foreach (JsonElement part in keyword.Value.EnumerateArray())
                        Visit(part, $"{at}/{index++}", depth + 1);
                    break;
                case "items" or "additionalProperties" or "additionalItems" or "propertyNames" or "not" or "contains" or "if" or "then" or "else":
                    Visit(keyword.Value, at, depth + 1);
                    break;
            }
        }
    }
}
