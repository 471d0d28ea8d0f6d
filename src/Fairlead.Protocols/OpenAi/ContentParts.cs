using System.Text;
using System.Text.Json.Nodes;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Content that comes as parts (Mistral's reasoning models): text is content, thinking is reasoning (F029).</summary>
internal static class ContentParts
{
    /// <summary>Replaces the parts in a delta or a message by their texts.</summary>
    public static void Flatten(JsonObject holder, JsonArray parts)
    {
        var text = new StringBuilder();
        var thinking = new StringBuilder();
        foreach (JsonNode? part in parts)
        {
            if (part is not JsonObject known)
                text.Append(part.AsText());
            else if (known["type"].AsText() == "thinking")
                Thinking(known["thinking"], thinking);
            else
                text.Append(known["text"].AsText());
        }
        holder["content"] = text.ToString();
        if (thinking.Length > 0)
            holder["reasoning_content"] = thinking.ToString();
    }

    private static void Thinking(JsonNode? node, StringBuilder thinking)
    {
        thinking.Append(node.AsText());
        foreach (JsonNode? inner in node as JsonArray ?? [])
            thinking.Append((inner as JsonObject)?["text"].AsText() ?? inner.AsText());
    }
}
