using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Fairlead.Protocols.Tests.Translation;

/// <summary>One thing that is said, called, given or asked for, whichever dialect says it.</summary>
/// <param name="Who">Who says it, or what it is.</param>
/// <param name="What">What it is; JSON in one spelling.</param>
internal readonly record struct Said(string Who, string What);

/// <summary>A random conversation of what both dialects can say, from a seed alone; written in either, and read back off either.</summary>
internal sealed class RandomTalk
{
    private readonly Random _random;
    private readonly List<Said> _said = [];
    private int _calls;

    public RandomTalk(int seed)
    {
        _random = new Random(seed);
        if (_random.Next(2) == 0)
            _said.Add(new("system", Words()));
        int turns = _random.Next(1, 6);
        for (int turn = 0; turn < turns; turn++)
        {
            User();
            if (turn + 1 < turns)
                Assistant();
        }
    }

    /// <summary>As a chat request.</summary>
    public string AsChat()
    {
        var text = new StringBuilder("{\"model\":\"o/m\",\"messages\":[");
        string? open = null;
        bool first = true;
        for (int i = 0; i < _said.Count; i++)
        {
            Said said = _said[i];
            if (said.Who == "result")
            {
                string[] pair = said.What.Split('\t', 2);
                Next($$"""{"role":"tool","tool_call_id":"{{pair[0]}}","content":{{Quote(pair[1])}}""");
            }
            else if (said.Who == "system")
            {
                Next($$"""{"role":"{{(_random.Next(2) == 0 ? "system" : "developer")}}","content":{{Quote(said.What)}}""");
            }
            else if (said.Who == "assistant" || said.Who == "call")
            {
                Next("{\"role\":\"assistant\",\"content\":" + (said.Who == "assistant" ? Quote(said.What) : "null"));
                int at = said.Who == "assistant" ? i + 1 : i;
                var calls = new List<string>();
                while (at < _said.Count && _said[at].Who == "call")
                {
                    string[] call = _said[at++].What.Split('\t', 3);
                    calls.Add($$$"""{"id":"{{{call[0]}}}","type":"function","function":{"name":"{{{call[1]}}}","arguments":{{{Quote(call[2])}}}}}""");
                }
                if (calls.Count > 0)
                    text.Append(",\"tool_calls\":[").AppendJoin(',', calls).Append(']');
                i = at - 1;
            }
            else if (said.Who == "user" && _random.Next(2) == 0)
            {
                Next("{\"role\":\"user\",\"content\":" + Quote(said.What));
            }
            else
            {
                var parts = new List<string>();
                int at = i;
                while (at < _said.Count && _said[at].Who is "user" or "image" or "link" or "file" && (at == i || _random.Next(4) != 0))
                {
                    if (_random.Next(8) == 0)
                        parts.Add("""{"type":"text","text":" \n"}""");
                    parts.Add(ChatPart(_said[at++]));
                }
                Next("{\"role\":\"user\",\"content\":[" + string.Join(',', parts) + "]");
                i = at - 1;
            }
        }
        if (open is not null)
            text.Append('}');
        text.Append(']');
        foreach (Said option in Options())
            text.Append(ChatOption(option));
        return text.Append('}').ToString();

        void Next(string message)
        {
            text.Append(first ? "" : "},").Append(message);
            first = false;
            open = message;
        }
    }

    /// <summary>As a messages request.</summary>
    public string AsMessages()
    {
        var text = new StringBuilder("{\"model\":\"o/m\"");
        if (_said[0].Who == "system")
            text.Append(",\"system\":").Append(_random.Next(2) == 0 ? Quote(_said[0].What) : $$"""[{"type":"text","text":{{Quote(_said[0].What)}}}]""");
        text.Append(",\"messages\":[");
        string? role = null;
        foreach (Said said in _said)
        {
            if (said.Who == "system")
                continue;
            string now = said.Who is "assistant" or "call" ? "assistant" : "user";
            text.Append(now == role ? "," : role is null ? "" : "]},");
            if (now != role)
                text.Append($$"""{"role":"{{now}}","content":[""");
            role = now;
            text.Append(Block(said));
        }
        text.Append("]}]");
        var options = Options();
        if (!options.Exists(static o => o.Who == "max_tokens"))
            options.Add(new("max_tokens", "77"));
        foreach (Said option in options)
            text.Append(MessagesOption(option, options));
        return text.Append('}').ToString();
    }

    /// <summary>Everything that a chat says, in order.</summary>
    public static List<Said> OfChat(string body)
    {
        JsonObject chat = JsonNode.Parse(body)!.AsObject();
        var said = new List<Said>();
        foreach (JsonNode? message in chat["messages"]!.AsArray())
        {
            string role = (string)message!["role"]! is var r && r == "developer" ? "system" : r;
            if (role == "tool")
            {
                said.Add(new("result", $"{(string)message["tool_call_id"]!}\t{string.Concat(Texts(message["content"]))}"));
                continue;
            }
            if (message["content"] is JsonArray parts)
            {
                foreach (JsonNode? part in parts)
                    said.Add(OfPart(role, part!));
            }
            else if (message["content"] is { } single)
            {
                said.Add(new(role, (string)single!));
            }
            foreach (JsonNode? call in message["tool_calls"] as JsonArray ?? [])
                said.Add(new("call", $"{(string)call!["id"]!}\t{(string)call["function"]!["name"]!}\t{JsonNode.Parse((string)call["function"]!["arguments"]!)!.ToJsonString()}"));
        }
        said.RemoveAll(static s => string.IsNullOrWhiteSpace(s.What));
        Add(said, "max_tokens", chat["max_tokens"]);
        Add(said, "temperature", chat["temperature"]);
        Add(said, "stop", chat["stop"] is JsonValue one ? new JsonArray(one.DeepClone()) : chat["stop"]);
        Add(said, "user", chat["user"]);
        Add(said, "schema", chat["response_format"]?["json_schema"]?["schema"]);
        Add(said, "stream", chat["stream"]);
        foreach (JsonNode? tool in chat["tools"] as JsonArray ?? [])
            said.Add(new("tool", $"{(string)tool!["function"]!["name"]!} {(string?)tool["function"]!["description"]} {tool["function"]!["parameters"]!.ToJsonString()}"));
        said.Add(new("choice", chat["tool_choice"] switch
        {
            null => "auto",
            JsonValue word => (string)word! == "required" ? "any" : (string)word!,
            var named => (string)named["function"]!["name"]!,
        }));
        // Where nothing may be called, how many at once says nothing.
        said.Add(new("parallel", said[^1].What == "none" ? "true" : chat["parallel_tool_calls"]?.ToJsonString() ?? "true"));
        return said;
    }

    /// <summary>Everything that a messages request says, in order.</summary>
    public static List<Said> OfMessages(string body)
    {
        JsonObject request = JsonNode.Parse(body)!.AsObject();
        var said = new List<Said>();
        foreach (string text in Texts(request["system"]))
            said.Add(new("system", text));
        foreach (JsonNode? message in request["messages"]!.AsArray())
        {
            string role = (string)message!["role"]!;
            if (message["content"] is not JsonArray blocks)
            {
                said.Add(new(role, (string)message["content"]!));
                continue;
            }
            foreach (JsonNode? block in blocks)
            {
                said.Add((string)block!["type"]! switch
                {
                    "text" => new(role, (string)block["text"]!),
                    "tool_use" => new("call", $"{(string)block["id"]!}\t{(string)block["name"]!}\t{block["input"]!.ToJsonString()}"),
                    "tool_result" => new("result", $"{(string)block["tool_use_id"]!}\t{string.Concat(Texts(block["content"]))}"),
                    "image" when (string)block["source"]!["type"]! == "url" => new("link", (string)block["source"]!["url"]!),
                    "image" => new("image", $"data:{(string)block["source"]!["media_type"]!};base64,{(string)block["source"]!["data"]!}"),
                    "document" => new("file", $"{(string)block["title"]!}\tdata:{(string)block["source"]!["media_type"]!};base64,{(string)block["source"]!["data"]!}"),
                    var other => throw new NotSupportedException(other),
                });
            }
        }
        said.RemoveAll(static s => string.IsNullOrWhiteSpace(s.What));
        Add(said, "max_tokens", request["max_tokens"]);
        Add(said, "temperature", request["temperature"]);
        Add(said, "stop", request["stop_sequences"]);
        Add(said, "user", request["metadata"]?["user_id"]);
        Add(said, "schema", request["output_config"]?["format"]?["schema"]);
        Add(said, "stream", request["stream"]);
        foreach (JsonNode? tool in request["tools"] as JsonArray ?? [])
            said.Add(new("tool", $"{(string)tool!["name"]!} {(string?)tool["description"]} {tool["input_schema"]!.ToJsonString()}"));
        said.Add(new("choice", (string?)request["tool_choice"]?["name"] ?? (string?)request["tool_choice"]?["type"] ?? "auto"));
        said.Add(new("parallel", (bool?)request["tool_choice"]?["disable_parallel_tool_use"] == true ? "false" : "true"));
        return said;
    }

    private void User()
    {
        // What tools gave comes before anything else.
        foreach (Said call in _said.AsEnumerable().Reverse().TakeWhile(static s => s.Who == "call").Reverse().ToList())
            _said.Add(new("result", $"{call.What.Split('\t')[0]}\t{Words()}"));
        bool results = _said.Count > 0 && _said[^1].Who == "result";
        for (int parts = _random.Next(results ? 0 : 1, 4); parts > 0; parts--)
        {
            _said.Add(_random.Next(6) switch
            {
                0 => new("image", $"data:image/{Pick("png", "jpeg", "gif", "webp")};base64,{Base64()}"),
                1 => new("link", $"https://example.org/{_random.Next(100)}.png?a=b&c=\"é\""),
                2 => new("file", $"{_random.Next(100)} é.pdf\tdata:application/pdf;base64,{Base64()}"),
                _ => new("user", Words()),
            });
        }
    }

    private void Assistant()
    {
        int calls = _random.Next(3) == 0 ? _random.Next(1, 4) : 0;
        if (calls == 0 || _random.Next(2) == 0)
            _said.Add(new("assistant", Words()));
        for (; calls > 0; calls--)
            _said.Add(new("call", $"call_{_calls++}-x\t{Pick("f", "g", "get_weather")}\t{Arguments()}"));
    }

    private List<Said> Options()
    {
        var options = new List<Said>();
        Maybe("max_tokens", _random.Next(1, 9000).ToString(CultureInfo.InvariantCulture));
        Maybe("temperature", Pick("0", "0.5", "0.25"));
        Maybe("stop", Pick("[\"END\"]", "[\"a\\n\",\"\\u00e9\"]"));
        Maybe("user", "\"u-1\"");
        Maybe("schema", """{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}""");
        Maybe("stream", "true");
        if (_calls > 0 || _random.Next(3) == 0)
        {
            options.Add(new("tools", ""));
            Maybe("choice", Pick("auto", "none", "any", "f"));
            Maybe("parallel", "false");
        }
        return options;

        void Maybe(string name, string value)
        {
            if (_random.Next(2) == 0)
                options.Add(new(name, value));
        }
    }

    private static readonly (string Name, string? Description, string Schema)[] s_tools =
    [
        ("f", "does \"f\"\n", """{"type":"object","properties":{"x":{"type":"number"}},"required":["x"]}"""),
        ("g", null, """{"type":"object","properties":{}}"""),
        ("get_weather", "é", """{"type":"object","$defs":{"c":{"enum":["a",1,null]}},"properties":{"c":{"$ref":"#/$defs/c"}}}"""),
    ];

    private string ChatOption(Said option) => option.Who switch
    {
        "schema" => $$$""","response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{{{option.What}}},"strict":true}}""",
        "tools" => ",\"tools\":[" + string.Join(',', s_tools.Select(t => $$$"""{"type":"function","function":{"name":"{{{t.Name}}}",{{{(t.Description is null ? "" : $"\"description\":{Quote(t.Description)},")}}}"parameters":{{{t.Schema}}}}}""")) + "]",
        "choice" => option.What switch
        {
            "any" => ",\"tool_choice\":\"required\"",
            "f" => ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}",
            var word => $",\"tool_choice\":\"{word}\"",
        },
        "parallel" => ",\"parallel_tool_calls\":false",
        _ => $",\"{option.Who}\":{option.What}",
    };

    private string MessagesOption(Said option, List<Said> all) => option.Who switch
    {
        "stop" => $",\"stop_sequences\":{option.What}",
        "user" => $$$""","metadata":{"user_id":{{{option.What}}}}""",
        "schema" => $$$""","output_config":{"format":{"type":"json_schema","schema":{{{option.What}}}}}""",
        "tools" => ",\"tools\":[" + string.Join(',', s_tools.Select(t => $$$"""{"name":"{{{t.Name}}}",{{{(t.Description is null ? "" : $"\"description\":{Quote(t.Description)},")}}}"input_schema":{{{t.Schema}}}}""")) + "]",
        "choice" => $$$""","tool_choice":{"type":"{{{(option.What == "f" ? "tool\",\"name\":\"f" : option.What)}}}"{{{(option.What != "none" && all.Exists(static o => o.Who == "parallel") ? ",\"disable_parallel_tool_use\":true" : "")}}}}""",
        "parallel" => all.Exists(static o => o.Who == "choice") ? "" : ",\"tool_choice\":{\"type\":\"auto\",\"disable_parallel_tool_use\":true}",
        _ => $",\"{option.Who}\":{option.What}",
    };

    private string ChatPart(Said said) => said.Who switch
    {
        "user" => $$"""{"type":"text","text":{{Quote(said.What)}}}""",
        "file" => $$$"""{"type":"file","file":{"filename":{{{Quote(said.What.Split('\t')[0])}}},"file_data":{{{Quote(said.What.Split('\t')[1])}}}}}""",
        _ => $$$"""{"type":"image_url","image_url":{"url":{{{Quote(said.What)}}}}}""",
    };

    private string Block(Said said)
    {
        string[] pieces = said.What.Split('\t');
        return said.Who switch
        {
            "call" => $$"""{"type":"tool_use","id":"{{pieces[0]}}","name":"{{pieces[1]}}","input":{{pieces[2]}}}""",
            "result" => $$"""{"type":"tool_result","tool_use_id":"{{pieces[0]}}","content":{{(_random.Next(2) == 0 ? Quote(pieces[1]) : $$"""[{"type":"text","text":{{Quote(pieces[1])}}}]""")}}}""",
            "image" => $$"""{"type":"image","source":{{Data(said.What)}}}""",
            "link" => $$$"""{"type":"image","source":{"type":"url","url":{{{Quote(said.What)}}}}}""",
            "file" => $$"""{"type":"document","title":{{Quote(pieces[0])}},"source":{{Data(pieces[1])}}}""",
            _ => $$"""{"type":"text","text":{{Quote(said.What)}}}""",
        };
    }

    private string Data(string uri) => $$"""{"type":"base64","media_type":"{{uri["data:".Length..uri.IndexOf(';', StringComparison.Ordinal)]}}","data":{{Quote(uri[(uri.IndexOf(',', StringComparison.Ordinal) + 1)..])}}}""";

    private static Said OfPart(string role, JsonNode part) => (string)part["type"]! switch
    {
        "text" => new(role, (string)part["text"]!),
        "image_url" when ((string)part["image_url"]!["url"]!).StartsWith("data:", StringComparison.Ordinal) => new("image", (string)part["image_url"]!["url"]!),
        "image_url" => new("link", (string)part["image_url"]!["url"]!),
        "file" => new("file", $"{(string)part["file"]!["filename"]!}\t{(string)part["file"]!["file_data"]!}"),
        var other => throw new NotSupportedException(other),
    };

    private static IEnumerable<string> Texts(JsonNode? content) => content switch
    {
        null => [],
        JsonArray parts => parts.Select(static part => (string)part!["text"]!),
        _ => [(string)content!],
    };

    private static void Add(List<Said> said, string name, JsonNode? value)
    {
        if (value is not null)
            said.Add(new(name, value.ToJsonString()));
    }

    private string Words()
    {
        var text = new StringBuilder();
        for (int words = _random.Next(1, 5); words > 0; words--)
            text.Append(Pick("hello", " world ", "\n", "\"quoted\"", "back\\slash", "</tag>", "é", "漢字", "😀", "\u2028", "a/b", "\u0001", "{\"json\":[1]}", "Error: "));
        text.Insert(_random.Next(text.Length) is var at && at > 0 && char.IsLowSurrogate(text[at]) ? 0 : at, 'x');
        return text.ToString();
    }

    private string Arguments() => _random.Next(4) switch
    {
        0 => "{}",
        1 => """{"x":1.5e3,"y":[true,null,{"z":""}]}""",
        _ => JsonNode.Parse($$"""{"text":{{Quote(Words())}},"n":{{_random.Next()}}}""")!.ToJsonString(),
    };

    private string Base64()
    {
        byte[] bytes = new byte[_random.Next(1, 60)];
        _random.NextBytes(bytes);
        return Convert.ToBase64String(bytes);
    }

    /// <summary>A JSON string in one of the ways in which clients escape.</summary>
    private string Quote(string text)
    {
        int way = _random.Next(3);
        var json = new StringBuilder("\"");
        foreach (char c in text)
        {
            if (c is '"' or '\\')
                json.Append('\\').Append(c);
            else if (c == '\n' && way != 1)
                json.Append("\\n");
            else if (c == '/' && way == 2)
                json.Append("\\/");
            else if (c < ' ' || (c > '~' && way != 0))
                json.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else
                json.Append(c);
        }
        return json.Append('"').ToString();
    }

    private T Pick<T>(params T[] of) => of[_random.Next(of.Length)];
}
