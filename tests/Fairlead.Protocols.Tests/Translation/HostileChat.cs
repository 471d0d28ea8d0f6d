using System.Text;
using Fairlead.Protocols.Tests.Json;

namespace Fairlead.Protocols.Tests.Translation;

/// <summary>Chats whose members are what they should be, or anything else that is JSON.</summary>
internal sealed class HostileChat(Random random)
{
    private readonly RandomJson _json = new(random);

    public string Body()
    {
        var text = new StringBuilder("{\"model\":\"a/b\",\"messages\":[");
        for (int messages = random.Next(1, 7); messages > 0; messages--)
            text.Append(Message()).Append(messages > 1 ? "," : "");
        text.Append(']');
        foreach ((string name, string[] values) in s_options)
        {
            if (random.Next(5) == 0)
                text.Append($",\"{name}\":").Append(random.Next(6) == 0 ? Any() : Pick(values));
        }
        return text.Append('}').ToString();
    }

    private static readonly (string Name, string[] Values)[] s_options =
    [
        ("tools", ["""[{"type":"function","function":{"name":"f","parameters":{"t\u0079pe":"object"},"strict":true}}]""", """[{"function":{}},{"type":"custom"},{}]""", "[]", """[{"type":"function","function":{"name":"f","parameters":{"a":1},"cache_control":{}}}]"""]),
        ("functions", ["""[{"name":"f","parameters":{}},{"name":1}]""", "[]", "null"]),
        ("tool_choice", ["\"auto\"", "\"required\"", "\"none\"", "{}", """{"type":"function","function":{"name":"f"}}""", """{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}},1]}}"""]),
        ("function_call", ["\"auto\"", """{"name":"f"}"""]),
        ("parallel_tool_calls", ["true", "false"]),
        ("response_format", ["""{"type":"json_schema","json_schema":{"schema":{}}}""", """{"type":"json_object"}""", """{"json_schema":{"schema":1},"type":"json","value":{"a":[]}}"""]),
        ("reasoning_effort", ["\"none\"", "\"low\"", "\"max\"", "\"xhigh\"", "\"?\"", "null"]),
        ("max_tokens", ["0", "1", "1025", "5000"]),
        ("temperature", ["0", "1", "1.0", "2", "1e-3"]),
        ("top_p", ["0", "1", "0.97", "0.999"]),
        ("top_k", ["-1", "0", "4e1"]),
        ("stop", ["\" \"", "[]", "[\"\\u0020\",\"a\"]", "null"]),
        ("user", ["\"a@b.c\"", "\"\\ud83d\\ude00\"", "\"\""]),
        ("safety_identifier", ["\"a\"", "1", "\"\""]),
        ("service_tier", ["\"auto\"", "\"default\"", "1"]),
        ("cache_control", ["{}", "1", """{"type":"ephemeral"}"""]),
        ("prompt_cache_key", ["\"a\"", "1"]),
        ("prompt_cache_options", ["{}", "[]", """{"mode":"explicit"}""", """{"ttl":1}"""]),
        ("prompt_cache_retention", ["\"24h\"", "1"]),
        ("modalities", ["[\"text\"]", "[1]", "{}"]),
        ("metadata", ["{}", "{ }", "1"]),
        ("stream", ["true", "false"]),
        ("moderation", ["{\"a\":\"bl\\u006fck\"}", "1"]),
        ("logit_bias", ["{}", "[1]"]),
        ("x_y", ["1", "null"]),
    ];

    private string Message()
    {
        var text = new StringBuilder("{\"role\":").Append(Pick("\"user\"", "\"user\"", "\"assistant\"", "\"assistant\"", "\"system\"", "\"developer\"", "\"tool\"", "\"function\"", "\"x\"", "\"us\\u0065r\""));
        if (random.Next(6) != 0)
            text.Append(",\"content\":").Append(Content());
        Member(text, "tool_calls", Calls);
        Member(text, "tool_call_id", () => Pick("\"a\"", "\"\"", "\"\\u00e9.\""));
        Member(text, "function_call", () => Pick("""{"name":"f","arguments":"{}"}""", "{}", "null"));
        Member(text, "name", () => Pick("\"f\"", "null"));
        Member(text, "thinking_blocks", () => Pick("[]", """[{"type":"thinking","thinking":"a","signature":"b"},1]""", "[ ]", "[{}]", """[{"type":"text","text":""},{"index":0,"type":"redacted_thinking","data":"a"}]""", """["a",[],{"type":"tool_use"}]"""));
        Member(text, "refusal", () => Pick("null", "\"no\"", "\" \""));
        Member(text, "cache_control", () => "{\"type\":\"ephemeral\"}");
        Member(text, "audio", () => Pick("null", "{\"id\":\"a\"}"));
        Member(text, "reasoning_content", () => Pick("\"\"", "\"a\""));
        return text.Append('}').ToString();
    }

    private void Member(StringBuilder text, string name, Func<string> value)
    {
        if (random.Next(5) == 0)
            text.Append($",\"{name}\":").Append(random.Next(5) == 0 ? Any() : value());
    }

    private string Content() => random.Next(4) switch
    {
        0 => Pick("null", "\"\"", "\" \\n\"", "\"\\\\\"", "\"a \"", "\"\\u2003\\t\""),
        1 => Pick("\"hi\"", "\"\\ud83d\\ude00 \"", "\"漢\u3000\""),
        _ => "[" + string.Join(',', Enumerable.Range(0, random.Next(4)).Select(_ => Part())) + "]",
    };

    private string Part() => Pick(
        "\"bare\"", "\"\"", """{"type":"text","text":"a"}""", """{"type":"text","text":" ","cache_control":{}}""", """{"type":"text","text":"b","prompt_cache_breakpoint":{"ttl":"12h"}}""",
        """{"type":"text","text":"c","cache_control":{"type":"ephemeral"}}""", """{"type":"image_url","image_url":{"url":"data:image\/png;base64,AA\/A"}}""",
        """{"type":"image_url","image_url":"https://a.b/c"}""", """{"image_url":{"url":1}}""", """{"type":"file","file":{"file_data":"data:text/plain;base64,aGk="}}""",
        """{"type":"file","file":{"file_data":"data:text/plain;base64,\u0061Gk="}}""", """{"type":"file","file":{"file_data":"data:text/plain;base64,/w=="}}""",
        """{"type":"file","file":{"file_id":"file_1","filename":""}}""", """{"type":"file","file":{"file_data":"","file_url":" ","file_id":"file_1"}}""",
        """{"type":"file","file":{"file_data":"?","file_url":"https://a.b/c","file_id":"file_1"}}""", """{"type":"file","file":{"file_url":"file_1","file_id":"file_1"}}""", """{"type":"file","file":{}}""", """{"type":"input_audio","input_audio":{}}""",
        """{"type":"refusal","refusal":"no"}""", """{"type":"thinking","thinking":[]}""", "{}", """{"type":1,"text":"d"}""", """{"type":"image_url","image_url":{"url":"data:,"}}""");

    private string Calls() => Pick(
        "[]", "[ ]", "null", "[1]", """[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"a\":1,\"a\":2}"}}]""", """[{"id":"a.b","function":{"name":"f","arguments":{"x":[]}},"index":0}]""",
        """[{"type":"custom","custom":{}},{}]""", """[{"id":"","type":"function","function":{"name":"f","arguments":"[1"}},{"id":"c","type":"function","function":{"name":"g","arguments":" \n{} "}}]""");

    private string Any()
    {
        var text = new StringBuilder();
        _json.Value(text, 3);
        return text.ToString();
    }

    private string Pick(params string[] of) => of[random.Next(of.Length)];
}
