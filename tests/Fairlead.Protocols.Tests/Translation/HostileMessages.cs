using System.Text;
using Fairlead.Protocols.Tests.Json;

namespace Fairlead.Protocols.Tests.Translation;

/// <summary>Message requests whose members are what they should be, or anything else that is JSON.</summary>
internal sealed class HostileMessages(Random random)
{
    private readonly RandomJson _json = new(random);

    public string Body()
    {
        var text = new StringBuilder("{\"model\":\"o/m\",\"max_tokens\":16,\"messages\":[");
        for (int messages = random.Next(1, 5); messages > 0; messages--)
            text.Append(Message()).Append(messages > 1 ? "," : "");
        text.Append(']');
        foreach ((string name, string[] values) in s_options)
        {
            if (random.Next(5) == 0)
                text.Append($",\"{name}\":").Append(Or(() => Pick(values), one: 10));
        }
        return text.Append('}').ToString();
    }

    private static readonly (string Name, string[] Values)[] s_options =
    [
        ("system", ["\"\"", "\"s\"", "[]", "[ ]", """[{"type":"text","text":""}]""", """[{"type":"text","text":"a"},{"text":"b","type":"t\u0065xt","cache_control":{"type":"ephemeral"}}]"""]),
        ("tools", ["[]", "[ ]", """[{"name":"f","input_schema":{}}]""", """[{"type":"custom","name":"\"","input_schema":{"type":"object"},"strict":true,"description":""},{"type":null,"name":"g","input_schema":{}}]""", """[{"type":"bash_20250124","name":"bash"}]"""]),
        ("tool_choice", ["""{"type":"auto"}""", """{"type":"any","disable_parallel_tool_use":true}""", """{"type":"tool","name":"f"}""", """{"type":"none"}""", """{"type":"?"}""", """{"type":"tool","name":""}"""]),
        ("stop_sequences", ["[]", "[ ]", "[\"\"]", """["a","\"","c","d","e"]"""]),
        ("thinking", ["""{"type":"disabled"}""", """{"type":"enabled","budget_tokens":1024}""", """{"type":"adaptive","display":"omitted"}""", """{"type":"?"}"""]),
        ("output_config", ["{}", """{"effort":"low"}""", """{"effort":null,"format":null}""", """{"format":{"type":"json_schema","schema":{}}}""", """{"format":{"type":"grammar"}}""", """{"format":{"type":"grammar","schema":1},"effort":"m\u0061x"}"""]),
        ("output_format", ["""{"type":"json_schema","schema":{}}""", """{"type":"?"}""", "null"]),
        ("metadata", ["{}", """{"user_id":""}""", """{"user_id":null,"x":1}"""]),
        ("temperature", ["0", "1", "1e-3"]),
        ("top_k", ["0", "40"]),
        ("stream", ["true", "false"]),
        ("container", ["\"c\"", "null"]),
    ];

    private string Message() => random.Next(7) switch
    {
        0 => $$"""{"role":"system","content":{{Content(Text)}}}""",
        < 4 => $$"""{"content":{{Content(Given)}},"role":"user"}""",
        _ => $$"""{"role":"{{Pick("assistant", "assist\\u0061nt")}}","content":{{Content(Said)}}}""",
    };

    private string Content(Func<string> block) => random.Next(5) == 0 ? Words() : List(block);

    private string List(Func<string> block) => random.Next(8) == 0 ? "[ ]" : "[" + string.Join(" ,", Enumerable.Range(0, random.Next(4)).Select(_ => Or(block, one: 60))) + "]";

    private string Said() => random.Next(5) switch
    {
        0 => Text(),
        1 => Pick("""{"type":"thinking","thinking":"","signature":""}""", """{"type":"redacted_thinking","data":"a"}"""),
        2 => Pick("""{"type":"server_tool_use","id":"a","name":"web_search","input":{}}""", """{"type":"web_search_tool_result","tool_use_id":"a","content":[]}""", """{"type":"of_tomorrow"}"""),
        _ => $$"""{"type":"tool_use","id":{{Words()}},"name":{{Words()}},"input":{{Pick("{}", "{ }", """{"a\"b": "\\\" ", "n":[1, {}]}""")}}}""",
    };

    private string Given() => random.Next(6) switch
    {
        0 or 1 => $$"""{"type":"tool_result","tool_use_id":{{Words()}}{{Pick("", ",\"is_error\":true", ",\"content\":null", $",\"content\":{Content(Piece)}", $",\"content\":{Content(Piece)}")}}}""",
        2 => Pick("""{"type":"of_tomorrow"}""", """{"type":"container_upload","file_id":"a"}"""),
        _ => Piece(),
    };

    /// <summary>What a user says and what a tool gives.</summary>
    private string Piece() => random.Next(6) switch
    {
        0 => Text(),
        1 => Image(),
        2 => $$"""{"type":"search_result","source":{{Words()}},"title":{{Words()}},"content":{{List(Text)}}}""",
        3 => """{"type":"tool_reference","tool_name":"f"}""",
        _ => $$"""{"type":"document","source":{{Source()}}{{Pick("", ",\"title\":null", $",\"title\":{Words()}", $",\"title\":{Words()},\"context\":{Words()}", ",\"citations\":{\"enabled\":true}")}}}""",
    };

    private string Source() => random.Next(4) switch
    {
        0 => $$"""{"type":"text","media_type":"text/plain","data":{{Words()}}}""",
        1 => Pick("""{"type":"base64","media_type":"application/pdf","data":""}""", """{"data":"JVBERi0=","media_type":"application/pdf","type":"base64"}""", """{"type":"url","url":"u"}""", """{"type":"of_tomorrow"}"""),
        _ => $$"""{"type":"content","content":{{Content(() => random.Next(2) == 0 ? Text() : Image())}}}""",
    };

    private string Image() => Pick(
        """{"type":"image","source":{"type":"base64","media_type":"image/png","data":"A\/A"}}""", """{"type":"image","source":{"url":"","type":"url"}}""",
        """{"type":"image","source":{"type":"file","file_id":"a"}}""", """{"type":"image","source":{"type":"of_tomorrow"}}""");

    private string Text() => $$"""{"type":"text","text":{{Words()}}{{Pick("", "", ",\"cache_control\":{\"type\":\"ephemeral\"}", ",\"citations\":null")}}}""";

    private string Words() => Pick("\"\"", "\" \"", "\"a\"", "\"\\ud83d\\ude00\\\"\"", "\"\\\\\"", "\"漢\"");

    /// <summary>One time in <paramref name="one"/> something else.</summary>
    private string Or(Func<string> value, int one)
    {
        if (random.Next(one) != 0)
            return value();
        var text = new StringBuilder();
        _json.Value(text, 3);
        return text.ToString();
    }

    private string Pick(params string[] of) => of[random.Next(of.Length)];
}
