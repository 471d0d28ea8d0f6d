namespace Fairlead.Protocols.Translation;

/// <summary>What becomes of a field where a request goes from one dialect into the other.</summary>
public enum Fate : byte
{
    /// <summary>Arrives with its meaning, be it under another name or in another form.</summary>
    Carried = 1,

    /// <summary>Arrives with its meaning where model and value allow it; where not, it is named in <c>x-fairlead-adapted</c>.</summary>
    Adapted,

    /// <summary>Is dropped and named in <c>x-fairlead-adapted</c>; with <c>require_parameters</c> the offer is no candidate.</summary>
    Lost,

    /// <summary>Keeps the request with upstreams of the caller's own dialect.</summary>
    Bound,

    /// <summary>Is this server's own business and goes to no upstream.</summary>
    Ours,
}

/// <summary>One row of the table of a translation.</summary>
/// <param name="Field">Its name as the caller writes it; what stands within another field comes behind a dot.</param>
/// <param name="Fate">What becomes of it.</param>
/// <param name="Becomes">What it is on the other side, or why it is nothing there.</param>
/// <param name="Example">Top-level members that show it, as JSON that the door takes; for an adapted field, with a value that the newest Claude does not take. Tests hold the row to
/// it.</param>
public sealed record TranslationRow(string Field, Fate Fate, string Becomes, string Example);

/// <summary>What becomes of every field that the dialects' own references name; the documentation is made from it.</summary>
public static class TranslationTable
{
    /// <summary>Requests from OpenAI's chat to Anthropic's messages. A field that stands nowhere here is lost.</summary>
    public static IReadOnlyList<TranslationRow> ChatToMessages { get; } =
    [
        new("model", Fate.Carried, "`model`, by the catalogue", "\"stream\":false"),
        new("models", Fate.Ours, "other models that may serve", "\"models\":[\"a/b\"]"),
        new("provider", Fate.Ours, "how the offer is chosen", "\"provider\":{\"sort\":\"price\"}"),
        new("stream", Fate.Carried, "`stream`", "\"stream\":true"),
        new("stream_options", Fate.Ours, "Anthropic always reports usage; the usage chunk is sent to who asked for it", "\"stream\":true,\"stream_options\":{\"include_usage\":true}"),
        new("max_completion_tokens", Fate.Carried, "`max_tokens`; without a limit 4,096 and room for the thinking that is asked for, or what the model makes if that is less", "\"max_completion_tokens\":9"),
        new("max_tokens", Fate.Carried, "`max_tokens`; the smaller of the two holds", "\"max_tokens\":9"),

        new("messages.role: system, developer", Fate.Carried, "at the beginning `system`", Said("""[{"role":"developer","content":"Be brief."},{"role":"user","content":"hi"}]""")),
        new("messages.role", Fate.Lost, "instructions between other messages become part of what the user says next", Said("""[{"role":"user","content":"hi"},{"role":"system","content":"Be brief."},{"role":"user","content":"ho"}]""")),
        new("messages.role: others", Fate.Bound, "nobody else knows who speaks", Said("""[{"role":"narrator","content":"hi"}]""")),
        new("messages", Fate.Adapted, "turns; where Anthropic needs one of the user's and there is none, or an empty one, it says `.`", Said("""[{"role":"user","content":""}]""")),
        new("messages.content: text, refusal", Fate.Carried, "a string, or `text` blocks; texts of nothing but white space are left out", Said("""[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":" "}]}]""")),
        new("messages.content: image_url", Fate.Carried, "`image`: JPEG, PNG, GIF, WebP as data, or an address on the web", Said("""[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]""")),
        new("messages.content: image_url of another type", Fate.Bound, "Anthropic takes no other images", Said("""[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/tiff;base64,AAAA"}}]}]""")),
        new("messages.content.image_url.detail", Fate.Lost, "Anthropic decides it by itself", Said("""[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.org/a.png","detail":"high"}}]}]""")),
        new("messages.content: file", Fate.Carried, "`document`: PDF, words (`text/…`, JSON), an address on the web, or an id of Anthropic's", Said("""[{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="}}]}]""")),
        new("messages.content: file by OpenAI's id", Fate.Bound, "the file is at OpenAI", Said("""[{"role":"user","content":[{"type":"file","file":{"file_id":"file-abc"}}]}]""")),
        new("messages.content: input_audio and others", Fate.Bound, "Claude does not hear", Said("""[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}]""")),
        new("messages.content.thinking", Fate.Lost, "it has no signature", Said("""[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"ho"}]},{"role":"user","content":"hi"}]""")),
        new("messages.name", Fate.Lost, "Anthropic's turns have no names", Said("""[{"role":"user","name":"Ada","content":"hi"}]""")),
        new("messages.audio", Fate.Bound, "the sound is at OpenAI", Said("""[{"role":"user","content":"hi"},{"role":"assistant","audio":{"id":"audio_1"}},{"role":"user","content":"hi"}]""")),
        new("messages.thinking_blocks", Fate.Adapted, "`thinking` and `redacted_thinking` blocks at the beginning of the turn, untouched; what is neither is left out", Said("""[{"role":"user","content":"hi"},{"role":"assistant","thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"c2ln"},"ha"],"content":"ho"},{"role":"user","content":"hi"}]""")),
        new("messages.reasoning_content", Fate.Lost, "it has no signature; `thinking_blocks` have", Said("""[{"role":"user","content":"hi"},{"role":"assistant","reasoning_content":"hm","content":"ho"},{"role":"user","content":"hi"}]""")),
        new("messages.tool_calls", Fate.Carried, "`tool_use` blocks; ids that Anthropic does not take are rewritten, call and result alike", Said("""[{"role":"user","content":"hi"},{"role":"assistant","tool_calls":[{"id":"call:1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call:1","content":"1"}]""")),
        new("messages.tool_calls.arguments", Fate.Adapted, "`input`; what is no JSON object becomes `{}`", Said("""[{"role":"user","content":"hi"},{"role":"assistant","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"x\":"}}]},{"role":"tool","tool_call_id":"call_1","content":"1"}]""")),
        new("messages.tool_calls: custom", Fate.Bound, "its input is no JSON", Said("""[{"role":"user","content":"hi"},{"role":"assistant","tool_calls":[{"id":"call_1","type":"custom","custom":{"name":"f","input":"x"}}]},{"role":"tool","tool_call_id":"call_1","content":"1"}]""")),
        new("messages.role: tool, function", Fate.Carried, "`tool_result` blocks at the beginning of the user's turn", Said("""[{"role":"user","content":"hi"},{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"1"}]""")),
        new("messages.cache_control, messages.content.cache_control", Fate.Carried, "`cache_control` of the block", Said("""[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}]""")),
        new("prompt_cache_breakpoint", Fate.Adapted, "in a part: `cache_control` of the block for an hour; 12 hours are not kept, and of more than four the last ones hold", Said("""[{"role":"user","content":[{"type":"text","text":"a","prompt_cache_breakpoint":{"mode":"explicit","ttl":"12h"}}]}]""")),

        new("tools", Fate.Carried, "`tools` with `input_schema`; a schema that says no type is an object's", "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]"),
        new("tools: others than functions", Fate.Bound, "OpenAI alone reads or runs them", "\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"f\"}}]"),
        new("functions", Fate.Carried, "`tools`", "\"functions\":[{\"name\":\"f\"}]"),
        new("tool_choice", Fate.Adapted, "`tool_choice`: `auto`, `none`, `any`, `tool`; with `allowed_tools` only these tools are sent. A model that thinks, and those of the newest that cannot be made to, is left to choose (`auto`)", "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":\"required\""),
        new("tool_choice: others", Fate.Bound, "it is of a tool that is no function", "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":{\"type\":\"custom\",\"custom\":{\"name\":\"f\"}}"),
        new("function_call", Fate.Carried, "`tool_choice`", "\"functions\":[{\"name\":\"f\"}],\"function_call\":\"auto\""),
        new("parallel_tool_calls", Fate.Carried, "`tool_choice.disable_parallel_tool_use`", "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"parallel_tool_calls\":false"),

        new("temperature", Fate.Adapted, "`temperature`, at most 1; not beside thinking, nor with models after Opus 4.6 and Sonnet 4.6, which have no sampling", "\"temperature\":0.5"),
        new("top_p", Fate.Adapted, "`top_p`; from Claude 4 on not beside `temperature`, beside thinking from 0.95 on, with models without sampling from 0.99 on", "\"top_p\":0.5"),
        new("top_k", Fate.Adapted, "`top_k`, where there is sampling", "\"top_k\":5"),
        new("stop", Fate.Adapted, "`stop_sequences`; those of nothing but white space are dropped", "\"stop\":[\"\\n\",\"END\"]"),
        new("reasoning_effort", Fate.Adapted, "from 4.6 on `thinking: adaptive` and `output_config.effort`, before it a budget of 1,024 to 16,384 tokens that is made to fit the caller's limit; `none` where thinking can be kept off, else `low`", "\"reasoning_effort\":\"none\""),
        new("response_format", Fate.Carried, "with a schema `output_config.format`", "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\",\"schema\":{\"type\":\"object\"}}}"),
        new("response_format: json_object and others", Fate.Bound, "Claude holds to a schema, and to nothing that is less: a hint promises nothing, and a schema that allows every object is refused", "\"response_format\":{\"type\":\"json_object\"}"),
        new("response_format.json_schema.description", Fate.Lost, "a format has a schema and nothing else", "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\",\"description\":\"b\",\"schema\":{\"type\":\"object\"}}}"),

        new("safety_identifier", Fate.Carried, "`metadata.user_id`; an e-mail address is not passed on", "\"safety_identifier\":\"u-1\""),
        new("user", Fate.Lost, "`metadata.user_id` where there is no `safety_identifier`; an e-mail address is not passed on", "\"user\":\"ada@example.org\""),
        new("service_tier", Fate.Lost, "`auto` is `auto`, `default` is `standard_only`; there are no others", "\"service_tier\":\"flex\""),
        new("cache_control", Fate.Carried, "`cache_control`: the end of the request is marked", "\"cache_control\":{\"type\":\"ephemeral\"}"),
        new("prompt_cache_key", Fate.Carried, "`cache_control`: what is to be kept is kept; nothing is chosen by the key", "\"prompt_cache_key\":\"a\""),
        new("prompt_cache_options", Fate.Carried, "`cache_control`, for an hour if a time is named; none where only the caller's marks are to count", "\"prompt_cache_options\":{\"mode\":\"implicit\",\"ttl\":\"30m\"}"),
        new("prompt_cache_retention", Fate.Adapted, "`cache_control`; an hour for `24h`", "\"prompt_cache_retention\":\"24h\""),

        new("n", Fate.Bound, "Claude gives one answer", "\"n\":2"),
        new("logprobs", Fate.Bound, "Claude tells none", "\"logprobs\":true"),
        new("top_logprobs", Fate.Bound, "Claude tells none", "\"top_logprobs\":2"),
        new("audio", Fate.Bound, "Claude does not speak", "\"audio\":{\"voice\":\"alloy\",\"format\":\"wav\"}"),
        new("modalities", Fate.Bound, "Claude writes; `[\"text\"]` is what it does", "\"modalities\":[\"text\",\"audio\"]"),
        new("moderation: mode block", Fate.Bound, "what is to be blocked must not pass", "\"moderation\":{\"model\":\"m\",\"policy\":{\"output\":{\"mode\":\"block\"}}}"),
        new("moderation", Fate.Lost, "scores in the answer are missed", "\"moderation\":{\"model\":\"m\"}"),
        new("web_search_options", Fate.Bound, "a search makes another answer of it, and is paid apart", "\"web_search_options\":{}"),

        new("frequency_penalty", Fate.Lost, "unknown to Claude", "\"frequency_penalty\":0.5"),
        new("presence_penalty", Fate.Lost, "unknown to Claude", "\"presence_penalty\":0.5"),
        new("logit_bias", Fate.Lost, "its tokens are another tokenizer's", "\"logit_bias\":{\"1\":-100}"),
        new("min_p", Fate.Lost, "unknown to Claude", "\"min_p\":0.1"),
        new("seed", Fate.Lost, "unknown to Claude", "\"seed\":1"),
        new("verbosity", Fate.Lost, "unknown to Claude", "\"verbosity\":\"low\""),
        new("prediction", Fate.Lost, "it only saves time", "\"prediction\":{\"type\":\"content\",\"content\":\"a\"}"),
        new("store", Fate.Lost, "Anthropic keeps no answers to be fetched later", "\"store\":true"),
        new("metadata", Fate.Lost, "it belongs to what OpenAI stores", "\"metadata\":{\"a\":\"b\"}"),
    ];

    /// <summary>Requests from Anthropic's messages to OpenAI's chat. A field that stands nowhere here is lost.</summary>
    public static IReadOnlyList<TranslationRow> MessagesToChat { get; } =
    [
        new("model", Fate.Carried, "`model`, by the catalogue", "\"stream\":false"),
        new("models", Fate.Ours, "other models that may serve", "\"models\":[\"a/b\"]"),
        new("provider", Fate.Ours, "how the offer is chosen", "\"provider\":{\"sort\":\"price\"}"),
        new("fallbacks", Fate.Ours, "read as `models`", "\"fallbacks\":[{\"model\":\"a/b\"}]"),
        new("fallbacks: default", Fate.Lost, "which models that is, only Anthropic knows", "\"fallbacks\":\"default\""),
        new("stream", Fate.Carried, "`stream`, and the usage is always asked for", "\"stream\":true"),
        new("max_tokens", Fate.Carried, "`max_tokens`, or `max_completion_tokens` where the provider calls it so", "\"temperature\":1"),
        new("max_tokens: 0", Fate.Bound, "it fills a cache and answers nothing", "\"max_tokens\":0"),

        new("system", Fate.Carried, "the first message, of the role `system`; blocks are joined", "\"system\":[{\"type\":\"text\",\"text\":\"Be brief.\"}]"),
        new("messages.role: system", Fate.Carried, "a message of that role at its place", Said("""[{"role":"user","content":"hi"},{"role":"system","content":"Be brief."}]""")),
        new("messages.content: text", Fate.Carried, "the text; of several blocks as many parts", Said("""[{"role":"user","content":[{"type":"text","text":"a"}]}]""")),
        new("messages.content: image", Fate.Carried, "`image_url`: data as a data URI, an address as it is", Said("""[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]}]""")),
        new("messages.image.source: file", Fate.Bound, "the file is at Anthropic", Said("""[{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":"f"}}]}]""")),
        new("messages.transformations", Fate.Lost, "OpenAI scales images by itself", Said("""[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://example.org/a.png"},"transformations":{"oversized_image":"error"}}]}]""")),
        new("messages.content: document", Fate.Carried, "a PDF as `file`, words as text", Said("""[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}}]}]""")),
        new("messages.document.source: url, file", Fate.Bound, "a chat holds a document, it does not say where one lies", Said("""[{"role":"user","content":[{"type":"document","source":{"type":"url","url":"https://example.org/a.pdf"}}]}]""")),
        new("messages.content: search_result", Fate.Carried, "text", Said("""[{"role":"user","content":[{"type":"search_result","source":"s","title":"t","content":[{"type":"text","text":"a"}]}]}]""")),
        new("citations", Fate.Lost, "a chat asks for none and keeps none", Said("""[{"role":"user","content":[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"a"},"citations":{"enabled":true}}]}]""")),
        new("messages.content: tool_use", Fate.Carried, "`tool_calls`", Said("""[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"}]}]""")),
        new("messages.content: tool_result", Fate.Carried, "a message of the role `tool`; an error is told as `Error: …`, images follow as the user's", Said("""[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","is_error":true,"content":[{"type":"text","text":"1"}]}]}]""")),
        new("messages.caller", Fate.Lost, "a call by the provider's own code; a direct one needs no word", Said("""[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{},"caller":{"type":"code_execution_20250825","tool_id":"b"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"}]}]""")),
        new("messages.toolset_name", Fate.Bound, "the tools of a toolset are described nowhere in the request", Said("""[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"click","input":{},"toolset_name":"browser"}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"}]}]""")),
        new("messages.thinking", Fate.Lost, "its signature is Anthropic's alone", Said("""[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"c2ln"},{"type":"text","text":"ho"}]},{"role":"user","content":"hi"}]""")),
        new("messages.redacted_thinking", Fate.Lost, "only Anthropic can read it", Said("""[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"redacted_thinking","data":"AAAA"},{"type":"text","text":"ho"}]},{"role":"user","content":"hi"}]""")),

        new("tools", Fate.Carried, "`tools` of the type `function`", Tools("")),
        new("tools: of Anthropic's own", Fate.Bound, "what they do and how they are called stands nowhere in the request", "\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}]"),
        new("tools.input_examples", Fate.Lost, "a function has a schema and no examples", Tools(",\"input_examples\":[{}]")),
        new("tool_choice", Fate.Carried, "`auto`, `none`, `required`, or the function; `disable_parallel_tool_use` is `parallel_tool_calls: false`", Tools("") + ",\"tool_choice\":{\"type\":\"any\",\"disable_parallel_tool_use\":true}"),
        new("tool_choice: others", Fate.Bound, "nobody else knows it", Tools("") + ",\"tool_choice\":{\"type\":\"perhaps\"}"),
        new("mcp_servers", Fate.Bound, "the provider connects to them, and no other does", "\"mcp_servers\":[{\"type\":\"url\",\"name\":\"a\",\"url\":\"https://example.org\"}]"),
        new("container", Fate.Bound, "it is at Anthropic", "\"container\":\"c\""),

        new("temperature", Fate.Carried, "`temperature`", "\"temperature\":0.5"),
        new("top_p", Fate.Carried, "`top_p`", "\"top_p\":0.5"),
        new("top_k", Fate.Carried, "`top_k`, which engines know and OpenAI does not", "\"top_k\":5"),
        new("stop_sequences", Fate.Carried, "`stop`", "\"stop_sequences\":[\"END\"]"),
        new("stop_sequences: more than four", Fate.Lost, "the first four hold", "\"stop_sequences\":[\"a\",\"b\",\"c\",\"d\",\"e\"]"),
        new("thinking", Fate.Carried, "`reasoning_effort`: a budget below 2,048 tokens `low`, below 8,192 `medium`, else `high`; `disabled` and `between_tools` are `none`", "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}"),
        new("thinking.display", Fate.Lost, "what is told of the reasoning is the provider's choice", "\"thinking\":{\"type\":\"adaptive\",\"display\":\"omitted\"}"),
        new("output_config", Fate.Carried, "`effort` is `reasoning_effort`, `format` is `response_format` with a schema, strictly", "\"output_config\":{\"effort\":\"low\",\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\"}}}"),
        new("output_format", Fate.Carried, "as `output_config.format`, which it was before", "\"output_format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\"}}"),
        new("output_config.format: others than json_schema", Fate.Bound, "nobody else knows it", "\"output_config\":{\"format\":{\"type\":\"grammar\"}}"),
        new("metadata", Fate.Carried, "`user_id` is `user`", "\"metadata\":{\"user_id\":\"u-1\"}"),
        new("service_tier", Fate.Lost, "`auto` is what everybody does; no other dialect means the same by another", "\"service_tier\":\"standard_only\""),
        new("speed", Fate.Lost, "`standard` is what everybody does", "\"speed\":\"fast\""),
        new("inference_geo", Fate.Bound, "where it is computed is a promise to somebody", "\"inference_geo\":\"us\""),
        new("cache_control", Fate.Lost, "who caches, caches by himself", "\"cache_control\":{\"type\":\"ephemeral\"}"),
        new("context_management", Fate.Lost, "the conversation goes as it is", "\"context_management\":{\"edits\":[]}"),
        new("diagnostics", Fate.Lost, "nobody else compares requests", "\"diagnostics\":{\"previous_message_id\":null}"),
        new("fallback_credit_token", Fate.Lost, "it is between Anthropic and its customer", "\"fallback_credit_token\":\"t\""),
        new("compaction", Fate.Bound, "the answer would be another one", "\"compaction\":{\"type\":\"summarize\"}"),
        new("thread", Fate.Bound, "the conversation is at Anthropic", "\"thread\":{\"type\":\"create\"}"),
        new("billing_policy", Fate.Bound, "who pays is a promise to somebody", "\"billing_policy\":{\"type\":\"billing_policy\",\"bill_to\":\"self\"}"),
    ];

    private static string Tools(string more) => "\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"}" + more + "}]";

    private static string Said(string messages) => "\"messages\":" + messages;
}
