using System.Text.Json.Nodes;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Translation;

/// <summary>What a text block cites from the web, as OpenAI's <c>annotations</c>. Citations of documents have no form there and are left out.</summary>
internal sealed class UrlCitations
{
    private readonly List<(string Url, string Title)> _cited = [];
    private int _told;

    /// <summary>Characters of all text so far.</summary>
    public long Length { get; private set; }

    /// <summary>Where the text of the block begins that is being read.</summary>
    public long BlockStart { get; private set; }

    /// <summary>A text block begins.</summary>
    public void Begin()
    {
        BlockStart = Length;
        _cited.Clear();
    }

    /// <summary>Counts the characters (Unicode code points, as Python counts them) of a text with its escapes as written.</summary>
    public void Count(ReadOnlySpan<byte> text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            byte b = text[i];
            if (b == (byte)'\\' && ++i < text.Length && text[i] == (byte)'u')
            {
                // Of a pair of halves the second is no character of its own: its escape is \udc00 to \udfff.
                bool second = i + 2 < text.Length && (text[i + 1] | 0x20) == (byte)'d' && (text[i + 2] | 0x20) is >= (byte)'c' and <= (byte)'f';
                i += 4;
                Length += second ? 0 : 1;
            }
            else if ((b & 0xC0) != 0x80)
            {
                Length++;
            }
        }
    }

    /// <summary>Takes a citation of the block that is being read.</summary>
    public void Add(JsonObject citation)
    {
        if (citation["type"].AsText() == "web_search_result_location" && citation["url"].AsText() is { Length: > 0 } url)
            _cited.Add((url, citation["title"].AsText() ?? ""));
    }

    /// <summary>The annotations of the block that ends; null when it cites nothing from the web.</summary>
    /// <param name="numbered">Each with its <c>index</c>, by which OpenAI's Python helper puts lists of a stream together.</param>
    public JsonArray? End(bool numbered)
    {
        if (_cited.Count == 0)
            return null;
        var annotations = new JsonArray();
        foreach ((string url, string title) in _cited)
        {
            var annotation = new JsonObject();
            if (numbered)
                annotation["index"] = _told++;
            annotation["type"] = "url_citation";
            annotation["url_citation"] = new JsonObject { ["url"] = url, ["title"] = title, ["start_index"] = BlockStart, ["end_index"] = Length };
            annotations.Add((JsonNode)annotation);
        }
        _cited.Clear();
        return annotations;
    }
}
