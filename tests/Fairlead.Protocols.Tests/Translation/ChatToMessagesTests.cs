using System.Text.Json.Nodes;

namespace Fairlead.Protocols.Tests.Translation;

/// <summary>What Anthropic gets of a chat, field by field.</summary>
public sealed class ChatToMessagesTests
{
    private const string Tools = "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\",\"properties\":{}}}},{\"type\":\"function\",\"function\":{\"name\":\"g\"}}]";

    [Fact]
    public void A_plain_chat()
    {
        Translated chat = Translated.Chat("\"stream\":true,\"max_tokens\":7");

        Assert.Equal("""{"model":"claude-haiku-4-5-20251001","max_tokens":7,"stream":true,"messages":[{"role":"user","content":"hi"}]}""", chat.Body.ToJsonString());
        Assert.Null(chat.Adapted);
    }

    [Fact]
    public void F168_a_required_tool_one_at_a_time()
    {
        Translated chat = Translated.Chat(Tools + ",\"tool_choice\":\"required\",\"parallel_tool_calls\":false");

        Assert.Equal("""{"type":"any","disable_parallel_tool_use":true}""", chat["tool_choice"]);
        Assert.Equal("""[{"name":"f","description":"d","input_schema":{"type":"object","properties":{}}},{"name":"g","input_schema":{"type":"object","properties":{}}}]""", chat["tools"]);
        Assert.Null(chat.Adapted);
    }

    [Fact]
    public void F169_results_come_first_in_one_turn_with_what_the_user_says_next()
    {
        Translated chat = Translated.Messages("""
            [{"role":"user","content":"hi"},
             {"role":"assistant","content":"So:","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\": \"\\u00e9\\n\"}"}},{"id":"b","type":"function","function":{"name":"g","arguments":""}}]},
             {"role":"tool","tool_call_id":"a","content":"1"},{"role":"tool","tool_call_id":"b","content":[{"type":"text","text":"2"}]},{"role":"user","content":"and?"}]
            """);

        Assert.Equal(
            """[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"text","text":"So:"},{"type":"tool_use","id":"a","name":"f","input":{"x":"é\n"}},{"type":"tool_use","id":"b","name":"g","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"},{"type":"tool_result","tool_use_id":"b","content":[{"type":"text","text":"2"}]},{"type":"text","text":"and?"}]}]""",
            chat.Turns);
        Assert.Null(chat.Adapted);
    }

    [Fact]
    public void Results_come_first_even_behind_instructions()
    {
        Translated chat = Translated.Messages("""
            [{"role":"user","content":"hi"},{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},
             {"role":"system","content":"Hurry."},{"role":"tool","tool_call_id":"a","content":"1"}]
            """);

        Assert.Equal("""{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"},{"type":"text","text":"Hurry."}]}""", chat.Body["messages"]![2]!.ToJsonString());
        Assert.Equal("messages.role", chat.Adapted);
    }

    [Theory]
    [InlineData(null, 4096)]
    [InlineData(64_000L, 4096)]
    [InlineData(1000L, 1000)]
    public void F171_a_limit_is_always_named(long? makes, long named) => Assert.Equal(named, (long)Translated.Chat(makes: makes).Body["max_tokens"]!);

    [Theory]
    [InlineData("null")]
    [InlineData("\"\"")]
    [InlineData("\" \\n\\u00a0\\u2003\"")]
    [InlineData("[]")]
    [InlineData("[{\"type\":\"text\",\"text\":\"\"}]")]
    public void F172_no_empty_text_stands_before_a_call(string content)
    {
        Translated chat = Translated.Messages($$$"""[{"role":"user","content":"hi"},{"role":"assistant","content":{{{content}}},"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":""}]""");

        Assert.Equal("""[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"}]}]""", chat.Turns);
        Assert.Null(chat.Adapted);
    }

    [Theory]
    [InlineData("[\"\\n\",\" \"]", "-", "stop")]
    [InlineData("[\"\\n\",\"END\"]", "[\"END\"]", "stop")]
    [InlineData("\"\"", "-", "stop")]
    [InlineData("\"a\"", "[\"a\"]", null)]
    [InlineData("[\"a\",\" b\"]", "[\"a\",\" b\"]", null)]
    [InlineData("[]", "-", null)]
    [InlineData("null", "-", null)]
    public void F173_stops_of_white_space_are_dropped(string stop, string sent, string? named)
    {
        Translated chat = Translated.Chat("\"stop\":" + stop);

        Assert.Equal((sent, named), (chat["stop_sequences"], chat.Adapted));
    }

    [Theory]
    [InlineData("""{"role":"system","content":"A"}""", "\"A\"")]
    [InlineData("""{"role":"developer","content":"A"},{"role":"system","content":[{"type":"text","text":"B"},"C"]}""", """[{"type":"text","text":"A"},{"type":"text","text":"B"},{"type":"text","text":"C"}]""")]
    [InlineData("""{"role":"system","content":""}""", "-")]
    [InlineData("""{"role":"system","content":"A","cache_control":{"type":"ephemeral"}}""", """[{"type":"text","text":"A","cache_control":{"type":"ephemeral"}}]""")]
    public void Instructions_at_the_beginning_are_the_system(string messages, string system)
    {
        Translated chat = Translated.Messages($$"""[{{messages}},{"role":"user","content":"hi"}]""");

        Assert.Equal((system, """[{"role":"user","content":"hi"}]"""), (chat["system"], chat.Turns));
        Assert.Null(chat.Adapted);
    }

    [Fact]
    public void Later_instructions_go_into_the_next_turn_of_the_user()
    {
        Translated chat = Translated.Messages("""[{"role":"user","content":"hi"},{"role":"assistant","content":"ho"},{"role":"system","content":"Be brief."},{"role":"user","content":"hey"}]""");

        Assert.Equal("""[{"role":"user","content":"hi"},{"role":"assistant","content":"ho"},{"role":"user","content":[{"type":"text","text":"Be brief."},{"type":"text","text":"hey"}]}]""", chat.Turns);
        Assert.Equal("messages.role", chat.Adapted);
        Assert.Equal("messages.role", chat.Scanned.LostInTranslation);
    }

    [Theory]
    [InlineData("""{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBO"}}""", """{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBO"}}""")]
    [InlineData("""{"type":"image_url","image_url":"data:image\/jpg;charset=x;BASE64,a\/b"}""", """{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"a/b"}}""")]
    [InlineData("""{"type":"image_url","image_url":{"url":"https://example.org/a.svg"}}""", """{"type":"image","source":{"type":"url","url":"https://example.org/a.svg"}}""")]
    [InlineData("""{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="}}""", """{"type":"document","title":"a.pdf","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}}""")]
    [InlineData("""{"type":"file","file":{"file_data":"JVBERi0xLjQ="}}""", """{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0xLjQ="}}""")]
    [InlineData("""{"type":"file","file":{"file_data":"data:text\/plain;base64,w6kiCg=="}}""", """{"type":"document","source":{"type":"text","media_type":"text/plain","data":"é\"\n"}}""")]
    [InlineData("""{"type":"file","file":{"file_data":"data:text/csv;base64,%%%"}}""", """{"type":"document","source":{"type":"base64","media_type":"text/plain","data":"%%%"}}""")]
    [InlineData("""{"type":"file","file":{"file_url":"https://example.org/a.pdf"}}""", """{"type":"document","source":{"type":"url","url":"https://example.org/a.pdf"}}""")]
    [InlineData("""{"type":"file","file":{"file_id":"file_011"}}""", """{"type":"document","source":{"type":"file","file_id":"file_011"}}""")]
    [InlineData("""{"type":"file","file":{"file_data":"","file_url":" ","file_id":"file_011"}}""", """{"type":"document","source":{"type":"file","file_id":"file_011"}}""")]
    [InlineData("""{"type":"file","file":{"file_data":"","file_url":"https://example.org/a.pdf"}}""", """{"type":"document","source":{"type":"url","url":"https://example.org/a.pdf"}}""")]
    public void Images_and_files_become_blocks(string part, string block)
    {
        Translated chat = Translated.Messages($$"""[{"role":"user","content":[{"type":"text","text":"see"},{{part}}]}]""");

        Assert.Equal($$"""[{"role":"user","content":[{"type":"text","text":"see"},{{block}}]}]""", chat.Turns);
        Assert.Null(chat.Adapted);
        Assert.Null(chat.Scanned.BoundToDialect);
    }

    [Theory]
    [InlineData("""{"type":"image_url","image_url":{"url":"data:image/bmp;base64,AAAA"}}""")]
    [InlineData("""{"type":"image_url","image_url":{"url":"data:image/png,AAAA"}}""")]
    [InlineData("""{"type":"image_url","image_url":{"url":"ftp://example.org/a.png"}}""")]
    [InlineData("""{"type":"image_url"}""")]
    [InlineData("""{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}""")]
    [InlineData("""{"type":"video_url","video_url":{"url":"https://example.org/a.mp4"}}""")]
    [InlineData("""{"type":"file","file":{"file_id":"file-abc"}}""")]
    [InlineData("""{"type":"file","file":{"file_data":"data:application/zip;base64,AAAA"}}""")]
    [InlineData("""{"type":"file","file":{"file_data":"AAAA","file_url":"https://example.org/a.pdf"}}""")]
    [InlineData("""{"type":"file","file":{"file_url":"ftp://example.org/a.pdf","file_id":"file_011"}}""")]
    [InlineData("""{"type":"text"}""")]
    [InlineData("""{"x":1}""")]
    public void A_part_that_Anthropic_does_not_know_keeps_the_request_with_its_dialect(string part) =>
        Assert.Equal("messages[0].content[1]", Translated.Messages($$"""[{"role":"user","content":[{"type":"text","text":"see"},{{part}}]}]""").Scanned.BoundToDialect);

    [Fact]
    public void Thinking_goes_back_untouched_and_first()
    {
        const string Blocks = """[{"type":"thinking","thinking":"h\u00e9","signature":"c2ln"},{"type":"redacted_thinking","data":"EmwK"}]""";
        Translated chat = Translated.Messages($$$"""[{"role":"user","content":"hi"},{"role":"assistant","content":"ho","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}],"thinking_blocks":{{{Blocks}}}},{"role":"tool","tool_call_id":"a","content":"1"}]""", more: "\"reasoning_effort\":\"low\",\"max_tokens\":3000");

        Assert.Equal("""[{"type":"thinking","thinking":"hé","signature":"c2ln"},{"type":"redacted_thinking","data":"EmwK"},{"type":"text","text":"ho"},{"type":"tool_use","id":"a","name":"f","input":{}}]""", chat.Body["messages"]![1]!["content"]!.ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
        Assert.Equal("""{"type":"enabled","budget_tokens":1024}""", chat["thinking"]);
        Assert.Null(chat.Adapted);
    }

    [Theory]
    [InlineData("""["é",[],false]""", 1)]
    [InlineData("""["é",{"type":"redacted_thinking","data":"EmwK"}]""", 3)]
    [InlineData("""[{}]""", 1)]
    [InlineData("""[{"type":"text","text":""},{"type":"tool_use","id":"a"}]""", 1)]
    public void What_is_no_block_of_thinking_is_left_out_and_named_and_a_turn_of_nothing_else_is_no_turn(string blocks, int turns)
    {
        Translated chat = Translated.Messages($$"""[{"role":"user","content":"hi"},{"role":"assistant","content":null,"thinking_blocks":{{blocks}}},{"role":"user","content":"and?"}]""");

        JsonArray messages = chat.Body["messages"]!.AsArray();
        Assert.Equal(turns, messages.Count);
        Assert.DoesNotContain("\"content\":[]", messages.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal("messages.thinking_blocks", chat.Adapted);
    }

    [Theory]
    [InlineData("\"\"")]
    [InlineData("\" \"")]
    [InlineData("null")]
    public void A_call_or_a_tool_without_a_name_is_nothing_that_Claude_could_be_told(string name)
    {
        Assert.Equal("messages[1].tool_calls", Requests.Bodies.Request($$$$"""{"model":"o/m","messages":[{"role":"user","content":"hi"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":{{{{name}}}},"arguments":"{}"}}]}]}""").BoundToDialect);
        Assert.NotNull(Requests.Bodies.Request($$$$"""{"model":"o/m","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":{{{{name}}}}}}]}""").BoundToDialect);
    }

    [Fact]
    public void A_loop_of_tools_without_its_thinking_is_gone_on_with_without_thinking()
    {
        const string Loop = """[{"role":"user","content":"hi"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"1"}]""";

        Translated budget = Translated.Messages(Loop, more: "\"reasoning_effort\":\"low\"");
        Assert.Equal(("-", "reasoning_effort"), (budget["thinking"], budget.Adapted));
        Translated adaptive = Translated.Messages(Loop, "claude-opus-4-6", "\"reasoning_effort\":\"low\"");
        Assert.Equal(("""{"type":"adaptive"}""", null), (adaptive["thinking"], adaptive.Adapted));
    }

    [Theory]
    [InlineData("""{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"1"}""", false)]
    [InlineData("""{"role":"assistant","content":"I look."},{"role":"assistant","thinking_blocks":[{"type":"redacted_thinking","data":"a"}],"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"1"}""", false)]
    [InlineData("""{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"1"},{"role":"user","content":" "}""", false)]
    [InlineData("""{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"1"},{"role":"user","content":"and?"}""", true)]
    [InlineData("""{"role":"assistant","content":"ho","tool_calls":[ ]},{"role":"tool","tool_call_id":"a","content":"1"}""", true)]
    public void A_model_thinks_by_a_budget_where_every_turn_of_the_loop_begins_with_its_thinking(string loop, bool thinks) =>
        Assert.Equal(thinks ? """{"type":"enabled","budget_tokens":1024}""" : "-", Translated.Messages($$"""[{"role":"user","content":"hi"},{{loop}}]""", more: "\"reasoning_effort\":\"low\"")["thinking"]);

    [Theory]
    [InlineData("\"So: \\n\"", "So:")]
    [InlineData("\"So:\\u00a0\\t\"", "So:")]
    [InlineData("\"So:\\\\n\"", "So:\\n")]
    [InlineData("[{\"type\":\"text\",\"text\":\"So:  \"},{\"type\":\"text\",\"text\":\" \"}]", "So:")]
    [InlineData("\"So: \",\"tool_calls\":[ ]", "So:")]
    public void The_beginning_of_an_answer_ends_without_white_space(string content, string sent)
    {
        Translated chat = Translated.Messages($$"""[{"role":"user","content":"hi "},{"role":"assistant","content":{{content}}}]""");

        Assert.Equal(sent, (string?)chat.Body["messages"]![1]!["content"]);
        Assert.Equal("hi ", (string?)chat.Body["messages"]![0]!["content"]);
        Assert.Null(chat.Adapted);
    }

    [Fact]
    public void A_model_that_goes_on_from_nothing_is_given_a_turn_of_the_user()
    {
        Translated chat = Translated.Messages("""[{"role":"user","content":"hi"},{"role":"assistant","content":"ho"}]""", "claude-sonnet-4-6");

        Assert.Equal("""[{"role":"user","content":"hi"},{"role":"assistant","content":"ho"},{"role":"user","content":"."}]""", chat.Turns);
        Assert.Equal("messages", chat.Adapted);
    }

    [Theory]
    [InlineData("""[{"role":"assistant","content":"Hello!"},{"role":"user","content":"hi"}]""", """[{"role":"user","content":"."},{"role":"assistant","content":"Hello!"},{"role":"user","content":"hi"}]""")]
    [InlineData("""[{"role":"system","content":"Talk."}]""", """[{"role":"user","content":"."}]""")]
    [InlineData("""[{"role":"user","content":" "}]""", """[{"role":"user","content":"."}]""")]
    public void The_user_has_the_first_word(string messages, string turns)
    {
        Translated chat = Translated.Messages(messages);

        Assert.Equal((turns, "messages"), (chat.Turns, chat.Adapted));
    }

    [Fact]
    public void An_assistant_that_says_nothing_is_not_there()
    {
        Translated chat = Translated.Messages("""[{"role":"user","content":"a"},{"role":"assistant","content":""},{"role":"user","content":"b"},{"role":"assistant","content":null,"refusal":"No."},{"role":"user","content":"c"},{"role":"assistant","content":"","tool_calls":[]}]""");

        Assert.Equal("""[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},{"role":"assistant","content":"No."},{"role":"user","content":"c"}]""", chat.Turns);
        Assert.Null(chat.Adapted);
    }

    [Fact]
    public void Functions_as_they_were_called_before()
    {
        Translated chat = Translated.Messages(
            """[{"role":"user","content":"hi"},{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{\"a\":1}"}},{"role":"function","name":"f","content":"1"}]""",
            more: "\"functions\":[{\"name\":\"f\",\"parameters\":{\"properties\":{}}}],\"function_call\":{\"name\":\"f\"}");

        Assert.Equal("""[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"tool_use","id":"function_call_1","name":"f","input":{"a":1}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"function_call_1","content":"1"}]}]""", chat.Turns);
        Assert.Equal("""[{"name":"f","input_schema":{"type":"object","properties":{}}}]""", chat["tools"]);
        Assert.Equal("""{"type":"tool","name":"f"}""", chat["tool_choice"]);
        Assert.Null(chat.Adapted);
    }

    [Theory]
    [InlineData("{\\\"x\\\":", "{}", "messages.tool_calls.arguments")]
    [InlineData("[1]", "{}", "messages.tool_calls.arguments")]
    [InlineData("{\\\"a\\\":\\\"\\\\ud800\\\"}", "{}", "messages.tool_calls.arguments")]
    [InlineData(" {\\\"a\\\" : 1} ", "{\"a\":1}", null)]
    [InlineData(" ", "{}", null)]
    public void Arguments_are_an_object_or_are_named(string arguments, string input, string? named)
    {
        Translated chat = Translated.Messages($$$"""[{"role":"user","content":"hi"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{{{arguments}}}"}}]},{"role":"tool","tool_call_id":"a","content":"1"}]""");

        Assert.Equal((input, named), (chat.Body["messages"]![1]!["content"]![0]!["input"]!.ToJsonString(), chat.Adapted));
    }

    [Theory]
    [InlineData("\"auto\"", """{"type":"auto"}""")]
    [InlineData("\"none\"", """{"type":"none"}""")]
    [InlineData("\"required\"", """{"type":"any"}""")]
    [InlineData("{\"type\":\"function\",\"function\":{\"name\":\"g\"}}", """{"type":"tool","name":"g"}""")]
    [InlineData("{\"function\":{\"name\":\"g\"}}", """{"type":"tool","name":"g"}""")]
    [InlineData("null", "-")]
    public void Choices_among_tools(string choice, string sent)
    {
        Translated chat = Translated.Chat($"{Tools},\"tool_choice\":{choice}");

        Assert.Equal((sent, null), (chat["tool_choice"], chat.Adapted));
    }

    [Theory]
    [InlineData("auto", "auto")]
    [InlineData("required", "any")]
    public void Allowed_tools_are_the_ones_that_are_sent(string mode, string sent)
    {
        Translated chat = Translated.Chat($$"""{{Tools}},"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"{{mode}}","tools":[{"type":"function","function":{"name":"g"} }]} }""");

        Assert.Equal("""[{"name":"g","input_schema":{"type":"object","properties":{}}}]""", chat["tools"]);
        Assert.Equal($$"""{"type":"{{sent}}"}""", chat["tool_choice"]);
        Assert.Null(chat.Adapted);
    }

    [Theory]
    [InlineData(Translated.Haiku, "\"reasoning_effort\":\"low\"", """{"type":"enabled","budget_tokens":1024}""", "auto", "tool_choice")]
    [InlineData("claude-opus-4-8", "\"reasoning_effort\":\"low\"", """{"type":"adaptive","display":"summarized"}""", "auto", "tool_choice")]
    [InlineData("claude-opus-4-8", "", "-", "any", null)]
    [InlineData("claude-sonnet-5", "", """{"type":"disabled"}""", "any", null)]
    [InlineData("claude-opus-5-5", "", "-", "auto", "tool_choice")]
    public void Who_thinks_cannot_be_made_to_call_a_tool(string model, string effort, string thinking, string choice, string? named)
    {
        Translated chat = Translated.Chat($"{Tools},\"tool_choice\":\"required\"{(effort.Length > 0 ? "," + effort : "")}", model);

        Assert.Equal((thinking, choice, named), (chat["thinking"], (string?)chat.Body["tool_choice"]!["type"], chat.Adapted));
    }

    [Fact]
    public void A_strict_tool_stays_strict_where_there_are_schemas()
    {
        const string Strict = "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":true}}]";

        Assert.True((bool)Translated.Chat(Strict).Body["tools"]![0]!["strict"]!);
        Assert.Equal((null, "tools.strict"), (Translated.Chat(Strict, Translated.Old).Body["tools"]![0]!["strict"], Translated.Chat(Strict, Translated.Old).Adapted));
    }

    [Theory]
    [InlineData(Translated.Old, "\"temperature\":1.5,\"top_p\":0.5,\"top_k\":4", "1 0.5 4", "temperature")]
    [InlineData(Translated.Haiku, "\"temperature\":0.2,\"top_p\":0.5", "0.2 - -", "top_p")]
    [InlineData(Translated.Haiku, "\"temperature\":1,\"top_p\":0.5,\"top_k\":-1", "- 0.5 -", null)]
    [InlineData(Translated.Haiku, "\"temperature\":0.2,\"top_p\":0.97,\"top_k\":3,\"reasoning_effort\":\"high\"", "- 0.97 -", "temperature, top_k")]
    [InlineData("claude-sonnet-4-6", "\"temperature\":0", "0 - -", null)]
    [InlineData("claude-opus-4-7", "\"temperature\":1.0,\"top_p\":0.995,\"top_k\":0", "- 0.995 -", null)]
    [InlineData("claude-opus-4-7", "\"temperature\":0,\"top_p\":0.5,\"top_k\":4", "- - -", "temperature, top_p, top_k")]
    public void Sampling_goes_as_far_as_the_model_lets_it(string model, string options, string sent, string? named)
    {
        Translated chat = Translated.Chat(options, model);

        Assert.Equal((sent, named), ($"{chat["temperature"]} {chat["top_p"]} {chat["top_k"]}", chat.Adapted));
    }

    [Theory]
    [InlineData("claude-3-haiku-20240307", "high", "", "-", "-", 4096, "reasoning_effort")]
    [InlineData("claude-3-haiku-20240307", "none", "", "-", "-", 4096, null)]
    [InlineData(Translated.Haiku, "minimal", "", """{"type":"enabled","budget_tokens":1024}""", "-", 5120, null)]
    [InlineData(Translated.Haiku, "high", "", """{"type":"enabled","budget_tokens":4096}""", "-", 8192, null)]
    [InlineData(Translated.Haiku, "high", "\"max_tokens\":4000", """{"type":"enabled","budget_tokens":2000}""", "-", 4000, "reasoning_effort")]
    [InlineData(Translated.Haiku, "low", "\"max_tokens\":1025", """{"type":"enabled","budget_tokens":1024}""", "-", 1025, null)]
    [InlineData(Translated.Haiku, "low", "\"max_tokens\":1024", "-", "-", 1024, "reasoning_effort")]
    [InlineData(Translated.Haiku, "none", "", "-", "-", 4096, null)]
    [InlineData("claude-opus-4-6", "xhigh", "", """{"type":"adaptive"}""", """{"effort":"high"}""", 12_288, "reasoning_effort")]
    [InlineData("claude-opus-4-6", "max", "\"max_tokens\":50", """{"type":"adaptive"}""", """{"effort":"max"}""", 50, null)]
    [InlineData("claude-opus-4-7", "minimal", "", """{"type":"adaptive","display":"summarized"}""", """{"effort":"low"}""", 5120, null)]
    [InlineData("claude-opus-4-7", "xhigh", "", """{"type":"adaptive","display":"summarized"}""", """{"effort":"xhigh"}""", 12_288, null)]
    [InlineData("claude-opus-4-7", "none", "", "-", "-", 4096, null)]
    [InlineData("claude-opus-4-7", "low", "\"max_tokens\":0", "-", "-", 0, "reasoning_effort")]
    [InlineData("claude-sonnet-5", "none", "", """{"type":"disabled"}""", "-", 4096, null)]
    [InlineData("claude-sonnet-5-5", "none", "", """{"type":"between_tools"}""", "-", 4096, null)]
    [InlineData("claude-fable-5", "none", "", "-", """{"effort":"low"}""", 8192, "reasoning_effort")]
    [InlineData(Translated.Haiku, "vast", "", "-", "-", 4096, "reasoning_effort")]
    public void Effort_is_told_as_the_model_understands_it(string model, string effort, string more, string thinking, string output, long limit, string? named)
    {
        Translated chat = Translated.Chat($"\"reasoning_effort\":\"{effort}\"{(more.Length > 0 ? "," + more : "")}", model);

        Assert.Equal((thinking, output, limit, named), (chat["thinking"], chat["output_config"], (long)chat.Body["max_tokens"]!, chat.Adapted));
    }

    [Theory]
    [InlineData("""{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object","additionalProperties":false},"strict":true}}""")]
    [InlineData("""{"type":"json_schema","schema":{"type":"object","additionalProperties":false}}""")]
    [InlineData("""{"type":"json_object","value":{"type":"object","additionalProperties":false}}""")]
    public void A_schema_is_held_to_in_whichever_form_it_comes(string format)
    {
        Translated chat = Translated.Chat("\"response_format\":" + format);

        Assert.Equal("""{"format":{"type":"json_schema","schema":{"type":"object","additionalProperties":false}}}""", chat["output_config"]);
        Assert.Null(chat.Adapted);
        Assert.Null(chat.Scanned.BoundToDialect);
    }

    [Theory]
    [InlineData("""{"type":"json_object"}""")]
    [InlineData("""{"type":"json_schema","json_schema":{"name":"a"}}""")]
    [InlineData("""{"type":"regex","value":"a+"}""")]
    public void Less_than_a_schema_keeps_the_request_with_its_dialect(string format) =>
        Assert.Equal("response_format", Translated.Chat("\"response_format\":" + format).Scanned.BoundToDialect);

    [Theory]
    [InlineData("\"user\":\"u-1\"", """{"user_id":"u-1"}""", null)]
    [InlineData("\"user\":\"u-1\",\"safety_identifier\":\"s-1\"", """{"user_id":"s-1"}""", "user")]
    [InlineData("\"user\":\"s-1\",\"safety_identifier\":\"s-1\"", """{"user_id":"s-1"}""", null)]
    [InlineData("\"user\":\"u-1\",\"safety_identifier\":\"ada@example.org\"", """{"user_id":"u-1"}""", "safety_identifier")]
    [InlineData("\"user\":\"ada\\u0040example.org\"", "-", "user")]
    [InlineData("\"user\":null", "-", null)]
    public void Who_asks_is_told_unless_it_is_a_person(string fields, string metadata, string? named)
    {
        Translated chat = Translated.Chat(fields);

        Assert.Equal((metadata, named), (chat["metadata"], chat.Adapted));
    }

    [Theory]
    [InlineData("\"auto\"", "\"auto\"", null)]
    [InlineData("\"default\"", "\"standard_only\"", null)]
    [InlineData("\"priority\"", "-", "service_tier")]
    [InlineData("null", "-", null)]
    public void Tiers(string tier, string sent, string? named)
    {
        Translated chat = Translated.Chat("\"service_tier\":" + tier);

        Assert.Equal((sent, named), (chat["service_tier"], chat.Adapted));
    }

    [Theory]
    [InlineData("\"prompt_cache_key\":\"k\"", """{"type":"ephemeral"}""", null)]
    [InlineData("\"prompt_cache_key\":\"k\",\"prompt_cache_options\":{\"mode\":\"explicit\"}", "-", null)]
    [InlineData("\"prompt_cache_options\":{\"mode\":\"implicit\",\"ttl\":\"30m\"}", """{"type":"ephemeral","ttl":"1h"}""", null)]
    [InlineData("\"prompt_cache_retention\":\"in_memory\"", """{"type":"ephemeral"}""", null)]
    [InlineData("\"prompt_cache_retention\":\"24h\"", """{"type":"ephemeral","ttl":"1h"}""", "prompt_cache_retention")]
    [InlineData("\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"5m\"}", """{"type":"ephemeral","ttl":"5m"}""", null)]
    public void What_is_to_be_kept(string fields, string sent, string? named)
    {
        Translated chat = Translated.Chat(fields);

        Assert.Equal((sent, named), (chat["cache_control"], chat.Adapted));
    }

    [Theory]
    [InlineData("", 4)]
    [InlineData("\"prompt_cache_key\":\"k\"", 3)]
    public void Of_more_than_four_marks_the_last_ones_hold(string more, int kept)
    {
        string parts = string.Join(',', Enumerable.Range(0, 6).Select(static i => $$"""{"type":"text","text":"{{i}}","prompt_cache_breakpoint":{"mode":"explicit"} }"""));
        Translated chat = Translated.Messages($$"""[{"role":"user","content":[{{parts}}]}]""", more: more);

        Assert.Equal(Enumerable.Range(0, 6).Select(i => i >= 6 - kept), chat.Body["messages"]![0]!["content"]!.AsArray().Select(static block => block!["cache_control"] is not null));
        Assert.Equal("prompt_cache_breakpoint", chat.Adapted);
    }

    [Fact]
    public void Ids_that_Anthropic_does_not_take_are_rewritten_alike_and_never_into_one_another()
    {
        string[] ids = ["functions.f:0", "functions-f-0", "functions_2ef_3a0", "flx-functions-2ef-3a0", "", "é", "-", "flx-"];
        string calls = string.Join(',', ids.Select(static id => $$"""{"id":"{{id}}","type":"function","function":{"name":"f","arguments":"{}"} }"""));
        string results = string.Join(',', ids.Select(static id => $$"""{"role":"tool","tool_call_id":"{{id}}","content":"1"}"""));
        Translated chat = Translated.Messages($$"""[{"role":"user","content":"hi"},{"role":"assistant","tool_calls":[{{calls}}]},{{results}}]""");

        string[] used = [.. chat.Body["messages"]![1]!["content"]!.AsArray().Select(static block => (string)block!["id"]!)];
        Assert.Equal(used, chat.Body["messages"]![2]!["content"]!.AsArray().Select(static block => (string)block!["tool_use_id"]!));
        Assert.Equal(ids.Length, used.Distinct().Count());
        Assert.All(used, static id => Assert.Matches("^[a-zA-Z0-9_-]+$", id));
        Assert.Contains("functions-f-0", used);
    }
}
