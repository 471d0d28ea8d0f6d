using System.Text.Json;
using Fairlead.Engine.Constraints;
using Fairlead.Engine.Templates;
using Fairlead.Engine.Tokenizers;

namespace Fairlead.Engine.Chat;

/// <summary>
/// What a model's template says about its answers: how tool calls and reasoning are written, and in which form a conversation must be given
/// to it. Immutable, for any number of threads.
/// </summary>
/// <remarks>
/// Found by trying, not by the template's name: a small conversation is rendered, and the notation that reads its tool calls back as they
/// were is the model's. Only a template that writes no calls is searched for marks.
/// </remarks>
public sealed class ChatFormat
{
    private readonly List<string> _everything;
    private readonly string[] _specialMarks;
    private readonly string[] _reasoningEnds;
    private readonly string[] _withCalls;
    private readonly string[] _dropped;

    internal ChatFormat(IReadOnlyList<ToolCallSyntax> calls, ReasoningSyntax? reasoning, TemplateTraits traits, IEnumerable<string>? special = null)
    {
        Calls = calls;
        Reasoning = reasoning;
        Traits = traits;
        _dropped = [.. calls.SelectMany(static syntax => syntax.Dropped).Concat(reasoning?.Dropped ?? []).Distinct()];
        _withCalls = [.. calls.Select(static syntax => syntax.Open).Where(static open => open.Length > 0).Concat(_dropped).Distinct()];
        _reasoningEnds = reasoning is null ? [] : [reasoning.Close];
        _everything = [.. calls.SelectMany(MarksOf).Concat(_dropped)];
        if (reasoning is not null)
            _everything.AddRange([reasoning.Open, reasoning.Close]);
        _specialMarks = [.. (special ?? []).Where(Keeps).OrderByDescending(static token => token.Length)];
    }

    /// <summary>Whether the model can write tool calls that are understood.</summary>
    public bool HasToolCalls => Calls.Count > 0;

    /// <summary>Whether the model marks its reasoning.</summary>
    public bool HasReasoning => Reasoning is not null || Calls is [ToolCallSyntax.Harmony];

    /// <summary>Whether marks are special tokens of the vocabulary, so that the parser needs those in its text.</summary>
    public bool UsesSpecialTokens => _specialMarks.Length > 0;

    /// <summary>The notations of tool calls; the first is the one the model was trained on. Empty: none is known.</summary>
    internal IReadOnlyList<ToolCallSyntax> Calls { get; }

    internal ReasoningSyntax? Reasoning { get; }

    internal TemplateTraits Traits { get; }

    /// <summary>Finds the format of a template.</summary>
    /// <param name="template">The template for conversations with tools, where the model has several.</param>
    /// <param name="specialTokens">As in <see cref="ChatTemplateInput.SpecialTokens"/>.</param>
    /// <param name="tokenizer">The vocabulary: it tells what the template leaves out, and which marks are special tokens. Null where nobody knows.</param>
    public static ChatFormat Detect(ChatTemplate template, IReadOnlyDictionary<string, string> specialTokens, Tokenizer? tokenizer = null)
    {
        if (tokenizer is null)
            return Detect(template, specialTokens, null, []);
        List<string> special = [];
        for (int id = 0; id < tokenizer.VocabularySize; id++)
        {
            if (tokenizer.IsSpecial(id))
                special.Add(tokenizer.TokenOf(id));
        }

        return Detect(template, specialTokens, token => tokenizer.IdOf(token) is not null, special);
    }

    internal static ChatFormat Detect(ChatTemplate template, IReadOnlyDictionary<string, string> specialTokens, Func<string, bool>? isToken, IEnumerable<string> special) =>
        new TemplateProbe(template, specialTokens).Find(isToken, special);

    /// <summary>A parser for one answer.</summary>
    /// <param name="prompt">The prompt that is answered: its end may already have opened the reasoning.</param>
    /// <param name="tools">The tools of the request in OpenAI's form; null, and no text is taken for a call.</param>
    /// <param name="seed">Makes the ids of calls whose model writes none; give every answer its own.</param>
    public ChatOutputParser NewParser(string prompt, JsonElement? tools, ulong seed) => new(this, prompt, new ToolSchemas(tools), seed);

    /// <summary>Whether a special token belongs to the notation and must stay in the text that the parser gets.</summary>
    public bool Keeps(string specialToken) => specialToken.Length > 0 && _everything.Exists(mark => mark.Contains(specialToken, StringComparison.Ordinal));

    /// <summary>What must be written where a call is required, for constrained decoding: nothing but calls, after the reasoning that the prompt has opened.</summary>
    /// <param name="tools">The tools of the request.</param>
    /// <param name="prompt">The prompt that is answered.</param>
    /// <param name="name">The one function that must be called; null for any of them.</param>
    /// <param name="parallel">Whether several calls may be written.</param>
    /// <returns>
    /// Null where no tool has that name, the notation is unknown, or it writes values in a form of its own (Python's, Gemma's), or a schema
    /// refers into itself and the notation takes it apart: then the call can be asked for but not forced.
    /// </returns>
    public ConstraintSpec? GrammarFor(JsonElement tools, string prompt, string? name = null, bool parallel = true) => HasToolCalls
        ? new ToolCallGrammar(Calls[0], _specialMarks).Make(new ToolSchemas(tools), name, parallel, OpensReasoning(prompt) ? Reasoning!.Close : null)
        : null;

    /// <summary>Whether the prompt ends inside the reasoning: its template has written the mark that opens it.</summary>
    internal bool OpensReasoning(string prompt) => Reasoning is { } reasoning && prompt.AsSpan().TrimEnd().EndsWith(reasoning.Open.AsSpan().TrimEnd(), StringComparison.Ordinal);

    /// <summary>The marks that mean something where the parser stands.</summary>
    internal IReadOnlyList<string> MarksFor(bool isReasoning, bool withTools) => isReasoning ? _reasoningEnds : withTools ? _withCalls : _dropped;

    private static IEnumerable<string> MarksOf(ToolCallSyntax syntax) => syntax switch
    {
        ToolCallSyntax.Json json => [json.Open, json.Close],
        ToolCallSyntax.Named named => [named.Open, named.Close, .. named.Headers.Select(static header => header.Text)],
        ToolCallSyntax.Tagged tagged => [tagged.Open, tagged.Close, tagged.Call.Text, tagged.Parameter.Text, tagged.ParameterEnd, tagged.CallEnd],
        ToolCallSyntax.Python python => [python.Open, python.Close],
        ToolCallSyntax.Gemma gemma => [gemma.Open, gemma.Close, "<|\"|>"],
        _ => ["<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|constrain|>", "<|call|>", "<|return|>"],
    };
}

/// <summary>In which of the usual forms a template wants what OpenAI's requests leave open.</summary>
internal sealed record TemplateTraits
{
    /// <summary>Arguments of earlier calls as JSON text instead of as an object.</summary>
    public bool ArgumentsAsText { get; init; }

    /// <summary>The content beside tool calls as null instead of as an empty text.</summary>
    public bool NullContentBesideCalls { get; init; }

    /// <summary>Content as a list of parts is understood; else parts are joined.</summary>
    public bool ContentParts { get; init; }

    /// <summary>The role <c>developer</c> is known; else it becomes <c>system</c>.</summary>
    public bool DeveloperRole { get; init; }

    /// <summary>Ids of calls must be nine letters and digits.</summary>
    public bool ShortIds { get; init; }
}
