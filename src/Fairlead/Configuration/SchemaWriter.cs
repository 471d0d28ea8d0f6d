using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fairlead.Configuration;

/// <summary>Writes what editors and readers get of the shape: the JSON schema and the reference page.</summary>
internal static class SchemaWriter
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string JsonSchema()
    {
        JsonObject schema = Schema(Shape.Root);
        var top = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "Fairlead configuration (fairlead.yaml)",
        };
        foreach ((string name, JsonNode? value) in schema)
            top[name] = value?.DeepClone();
        return top.ToJsonString(Readable) + "\n";
    }

    public static string ReferencePage()
    {
        var page = new StringBuilder("""
            # Configuration

            One optional file, `fairlead.yaml`. It is looked for at `--config`, `$FAIRLEAD_CONFIG`, the working directory, `/etc/fairlead/`, and the
            data folder. Order: defaults, file, environment (`FAIRLEAD__SECTION__KEY`, as `FAIRLEAD__LISTEN` or `FAIRLEAD__DISPATCH__IDLE`), flags.
            `fairlead config validate` checks it without starting anything. A running server reads it again when it changes: whole, or not at all.
            Editors find the schema through a first line `# yaml-language-server: $schema=docs/fairlead.schema.json`.
            This page is made from the same description as the checks (`fairlead config reference`).

            | Key | Takes | Default | What it does |
            |---|---|---|---|

            """);
        Rows(page, Shape.Root, "");
        return page.ToString();
    }

    private static void Rows(StringBuilder page, Shape shape, string path)
    {
        foreach (Shape child in shape.Children)
        {
            string inner = path.Length == 0 ? child.Name : $"{path}.{child.Name}";
            string takes = child.Kind switch { ValueKind.Section => "a section", ValueKind.Named => "names with a section each", ValueKind.TextList => "a list", _ => ShapeCheck.Expected(child) };
            page.Append("| `").Append(inner).Append("` | ").Append(takes).Append(" | ").Append(child.Default.Length > 0 ? $"`{child.Default}`" : "").Append(" | ").Append(child.Doc).Append(" |\n");
            if (child.Kind == ValueKind.Named)
                Rows(page, child.Children[0], $"{inner}.{child.Children[0].Name}");
            else
                Rows(page, child, inner);
        }
    }

    private static JsonObject Schema(Shape shape)
    {
        var schema = new JsonObject();
        if (shape.Doc.Length > 0)
            schema["description"] = shape.Doc + (shape.Default.Length > 0 ? $" Default: {shape.Default}." : "");
        switch (shape.Kind)
        {
            case ValueKind.Section:
                schema["type"] = "object";
                schema["additionalProperties"] = false;
                var properties = new JsonObject();
                foreach (Shape child in shape.Children)
                    properties[child.Name] = Schema(child);
                schema["properties"] = properties;
                break;
            case ValueKind.Named:
                schema["type"] = "object";
                schema["additionalProperties"] = Schema(shape.Children[0]);
                break;
            case ValueKind.TextList:
                schema["type"] = "array";
                schema["items"] = new JsonObject { ["type"] = "string" };
                break;
            case ValueKind.Flag:
                schema["type"] = "boolean";
                break;
            case ValueKind.Count:
                schema["type"] = "integer";
                if (shape.Min.Length > 0)
                    schema["minimum"] = long.Parse(shape.Min, System.Globalization.CultureInfo.InvariantCulture);
                if (shape.Max.Length > 0)
                    schema["maximum"] = long.Parse(shape.Max, System.Globalization.CultureInfo.InvariantCulture);
                break;
            case ValueKind.Price or ValueKind.Tokens or ValueKind.Rate or ValueKind.Size or ValueKind.Memory or ValueKind.Duration:
                schema["type"] = new JsonArray("string", "number");
                break;
            default:
                schema["type"] = "string";
                if (shape.Choices is { } choices)
                    schema["enum"] = new JsonArray([.. choices.Select(static c => (JsonNode)c)]);
                break;
        }
        return schema;
    }
}
