using System.Text.Json;

namespace Fairlead.Engine.Constraints.Schemas;

/// <summary>Which keywords are kept, which say nothing of validity, and which are refused. A keyword is never passed over in silence.</summary>
internal static class SchemaKeywords
{
    private const string NotKept = "is not supported: it cannot be kept while an answer is written";

    private static readonly HashSet<string> Kept =
    [
        "type", "nullable", "enum", "const", "$ref", "allOf", "anyOf", "oneOf", "not",
        "properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties", "maxProperties",
        "items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems",
        "minLength", "maxLength", "pattern", "format",
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    ];

    /// <summary>Annotations of JSON Schema, OpenAPI and the generators of schemas: they describe, and change nothing of what is valid.</summary>
    private static readonly HashSet<string> Remarks =
    [
        "$schema", "$anchor", "$comment", "$defs", "definitions", "$vocabulary",
        "title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly",
        "contentEncoding", "contentMediaType", "contentSchema",
        "discriminator", "xml", "externalDocs", "enumNames", "enumDescriptions", "markdownDescription", "propertyOrdering", "errorMessage", "strict",
    ];

    private static readonly Dictionary<string, string> Refused = new()
    {
        ["if"] = $"{NotKept}; say it with anyOf",
        ["then"] = $"{NotKept}; say it with anyOf",
        ["else"] = $"{NotKept}; say it with anyOf",
        ["dependentRequired"] = $"{NotKept}; say it with anyOf",
        ["dependentSchemas"] = $"{NotKept}; say it with anyOf",
        ["dependencies"] = $"{NotKept}; say it with anyOf",
        ["contains"] = NotKept,
        ["minContains"] = NotKept,
        ["maxContains"] = NotKept,
        ["unevaluatedProperties"] = $"{NotKept}; use additionalProperties",
        ["unevaluatedItems"] = $"{NotKept}; use items",
        ["$dynamicRef"] = "is not supported; use $ref",
        ["$recursiveRef"] = "is not supported; use $ref",
        ["$dynamicAnchor"] = "is not supported; use $anchor",
    };

    /// <summary>Refuses <paramref name="schema"/> for its first keyword that cannot be kept.</summary>
    public static void Check(SchemaNode schema)
    {
        foreach (JsonProperty keyword in schema.Json.EnumerateObject())
        {
            string name = keyword.Name;
            if (Kept.Contains(name) || Remarks.Contains(name) || name.StartsWith("x-", StringComparison.Ordinal))
                continue;
            // The identifier of the whole document moves no reference of ours; one further inside would.
            if (name is "$id" or "id" && schema.Pointer.Length == 0)
                continue;
            if (name == "$id")
                throw schema.Refuse(name, "is supported at the root only, because it changes what references mean");
            throw schema.Refuse(name, Refused.TryGetValue(name, out string? reason)
                ? $"{name} {reason}"
                : $"{name} is no keyword we know; remove it, or begin its name with x- if it is a remark");
        }
    }
}
