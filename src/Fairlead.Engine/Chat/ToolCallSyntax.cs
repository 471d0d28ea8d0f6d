namespace Fairlead.Engine.Chat;

/// <summary>How a model writes tool calls. The families of the real templates differ in their marks; these are the few shapes below them.</summary>
/// <param name="Open">The mark that announces calls; empty where they stand bare at the beginning of the answer.</param>
internal abstract record ToolCallSyntax(string Open)
{
    /// <summary>Marks around calls that are no part of them and not of the answer either.</summary>
    public IReadOnlyList<string> Dropped { get; init; } = [];

    /// <summary>
    /// JSON objects with a name and arguments under any of the usual keys, alone, one a line or in a list, up to <paramref name="Close"/>.
    /// </summary>
    /// <param name="NameIsKey">The objects are <c>{"name": {arguments}}</c>.</param>
    /// <param name="Fence">The calls stand in a Markdown block: <c>```json</c>.</param>
    internal sealed record Json(string Open, string Close, bool NameIsKey = false, bool Fence = false) : ToolCallSyntax(Open);

    /// <summary>A header that names the function, then its arguments as JSON.</summary>
    /// <param name="Headers">What stands between the mark and the arguments; the first that fits counts.</param>
    /// <param name="Close">After the arguments; may be empty.</param>
    internal sealed record Named(string Open, string Close, params IReadOnlyList<HeaderPattern> Headers) : ToolCallSyntax(Open)
    {
        /// <summary>The name under which the answer itself is written, as if it were a call.</summary>
        public string? ContentName { get; init; }
    }

    /// <summary>Tags for the function and for every argument; values as they are, without JSON's quotes.</summary>
    /// <param name="Call">Before the arguments, with <c>{name}</c>.</param>
    /// <param name="Parameter">Before a value, with <c>{key}</c> and, where the notation says whether the value is text, <c>{string}</c>.</param>
    /// <param name="ParameterEnd">After a value.</param>
    /// <param name="CallEnd">After the last argument.</param>
    /// <param name="Close">After the last call; empty where every call has the mark of its own.</param>
    /// <param name="Padded">Values stand on lines of their own.</param>
    internal sealed record Tagged(string Open, HeaderPattern Call, HeaderPattern Parameter, string ParameterEnd, string CallEnd, string Close, bool Padded = false) : ToolCallSyntax(Open);

    /// <summary>Python calls: <c>[name(key='value'), …]</c>, or <c>name.call(key="value")</c>.</summary>
    internal sealed record Python(string Open, string Close) : ToolCallSyntax(Open);

    /// <summary>Gemma's notation: <c>call:name{key:&lt;|"|&gt;value&lt;|"|&gt;}</c>.</summary>
    internal sealed record Gemma(string Open, string Close) : ToolCallSyntax(Open);

    /// <summary>OpenAI's harmony: every message has a channel and maybe a recipient.</summary>
    internal sealed record Harmony() : ToolCallSyntax("");

    /// <summary>
    /// The notations of the known families, each with what else the same family may write. The first that reads back what a template wrote
    /// is the one; so the stricter stand before the laxer.
    /// </summary>
    public static IReadOnlyList<IReadOnlyList<ToolCallSyntax>> Known { get; } =
    [
        [new Harmony()],
        // Hermes, Qwen, Granite 4 and many more.
        [new Json("<tool_call>", "</tool_call>")],
        // Qwen3-Coder, Nemotron 3.
        [new Tagged("<tool_call>", new("~<function={name}>"), new("~<parameter={key}>"), "</parameter>", "</function>", "</tool_call>", Padded: true)],
        // GLM, Ling, Laguna, Spark.
        [new Tagged("<tool_call>", new("~{name}"), new("~<arg_key>{key}</arg_key>~<arg_value>"), "</arg_value>", "</tool_call>", "")],
        [new Tagged("<seed:tool_call>", new("~<function={name}>"), new("~<parameter={key}>"), "</parameter>", "</function>", "</seed:tool_call>")],
        [new Tagged("<minimax:tool_call>", new("~<invoke name=\"{name}\">"), new("~<parameter name=\"{key}\">"), "</parameter>", "</invoke>", "</minimax:tool_call>")],
        // DeepSeek 3.2 and 4.
        [new Tagged("<｜DSML｜function_calls>", new("~<｜DSML｜invoke name=\"{name}\">"), new("~<｜DSML｜parameter name=\"{key}\" string=\"{string}\">"), "</｜DSML｜parameter>", "</｜DSML｜invoke>", "</｜DSML｜function_calls>")],
        [new Tagged("<｜DSML｜tool_calls>", new("~<｜DSML｜invoke name=\"{name}\">"), new("~<｜DSML｜parameter name=\"{key}\" string=\"{string}\">"), "</｜DSML｜parameter>", "</｜DSML｜invoke>", "</｜DSML｜tool_calls>")],
        // Apriel, MiniMax 1; Nemotron 2; Command R7B; Apertus.
        [new Json("<tool_calls>", "</tool_calls>")],
        [new Json("<TOOLCALL>", "</TOOLCALL>")],
        [new Json("<|START_ACTION|>", "<|END_ACTION|>")],
        [new Json("<|tools_prefix|>", "<|tools_suffix|>", NameIsKey: true)],
        // Mistral, newer and older.
        [new Named("[TOOL_CALLS]", "", new HeaderPattern("{name}[CALL_ID]{id}[ARGS]"), new HeaderPattern("{name}[ARGS]"))],
        [new Json("[TOOL_CALLS]", "")],
        // DeepSeek R1 and V3.1.
        [new Named("<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>", new HeaderPattern("function<｜tool▁sep｜>{name}\n```json\n"), new HeaderPattern("{name}<｜tool▁sep｜>"))
            { Dropped = ["<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"] }],
        // Kimi: the id holds the name.
        [new Named("<|tool_call_begin|>", "<|tool_call_end|>", new HeaderPattern("~{id}<|tool_call_argument_begin|>"))
            { Dropped = ["<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"] }],
        [new Named("<|tool_call:begin|>", "<|tool_call:end|>", new HeaderPattern("{id}<|tool_call:name|>{name}<|tool_call:args|>"))
            { Dropped = ["<|tool_calls|>", "<|calls|>"] }],
        // Functionary 3.1 and 3.2.
        [new Named("<function=", "</function>", new HeaderPattern("{name}>"))],
        [new Named(">>>", "", new HeaderPattern("{name}\n")) { ContentName = "all" }],
        [new Python("<|tool_call_start|>", "<|tool_call_end|>")],
        [new Gemma("<|tool_call>", "<tool_call|>")],
        // GigaChat; Granite 3 and Phi 4; Firefunction; Command R+.
        [new Json("<|function_call|>", "")],
        [new Json("function call<|role_sep|>\n", "") { Dropped = ["<|message_sep|>\n\n", "<|message_sep|>"] }],
        [new Json("<|tool_call|>", "<|/tool_call|>")],
        [new Json("functools", "")],
        [new Json("Action:", "```", Fence: true)],
        // Llama 3: bare JSON, or the mark of its built-in tools with JSON or Python behind it.
        [new Json("", ""), new Json("<|python_tag|>", ""), new Python("<|python_tag|>", "")],
    ];
}
