using System.Text.Json;

namespace Fairlead.Engine.Templates;

/// <summary>A conversation as a template sees it. JSON in the shape of the Hub's chat templates; nothing is rewritten on the way.</summary>
public sealed record ChatTemplateInput
{
    /// <summary>An array of messages, each an object with <c>role</c> and <c>content</c>.</summary>
    public required JsonElement Messages { get; init; }

    /// <summary>An array of tools in OpenAI's form; null where none are offered: the template then sees <c>none</c>.</summary>
    public JsonElement? Tools { get; init; }

    /// <summary>An array of documents with <c>title</c> and <c>text</c>; null for none.</summary>
    public JsonElement? Documents { get; init; }

    /// <summary>Whether the prompt ends with the mark that begins the assistant's turn.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>
    /// Whether the last message is the beginning of the answer: the prompt ends with its text, without the mark that would close the turn.
    /// Not together with <see cref="AddGenerationPrompt"/>.
    /// </summary>
    public bool ContinueFinalMessage { get; init; }

    /// <summary>The tokenizer's named tokens: <c>bos_token</c>, <c>eos_token</c>, <c>unk_token</c>, ….</summary>
    public IReadOnlyDictionary<string, string> SpecialTokens { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// More variables for the template, a JSON object (<c>chat_template_kwargs</c>: <c>{"enable_thinking": false}</c>). It cannot set what
    /// the other members of this record set.
    /// </summary>
    public JsonElement? Variables { get; init; }
}
