using System.Text.Json;
using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Templates;

/// <summary>
/// The template by which a model's conversations become prompts: the Jinja2 that real chat templates use, read once and rendered any
/// number of times by any number of threads.
/// </summary>
/// <remarks>
/// Reference: Jinja2 3.1 in its immutable sandbox with <c>trim_blocks</c>, <c>lstrip_blocks</c>, loop controls, the <c>generation</c> tag,
/// <c>tojson</c> without HTML escapes, <c>raise_exception</c> and <c>strftime_now</c>, as transformers 5 sets it up
/// (utils/chat_template_utils.py). Left out, and refused by name: loading other templates, and filters for web pages, files and chance.
/// </remarks>
public sealed class ChatTemplate
{
    /// <summary>The longest source that is read, in UTF-16 units. The longest of the shared real templates has 17 thousand.</summary>
    public const int MaxSourceLength = 1 << 20;

    /// <summary>Stands after the text that the answer continues, to find it in the prompt. No conversation holds it by chance.</summary>
    private const string ContinueMark = "CONTINUE_FINAL_MESSAGE_TAG ";

    private static readonly HashSet<string> Reserved = new(StringComparer.Ordinal)
    {
        "messages", "tools", "documents", "add_generation_prompt", "continue_final_message", "bos_token", "eos_token", "unk_token", "sep_token", "pad_token",
        "cls_token", "mask_token", "additional_special_tokens", "raise_exception", "strftime_now", "range", "namespace", "dict", "cycler", "joiner",
    };

    private readonly string _file;
    private readonly Block _template;

    private ChatTemplate(string file, string source, Block template)
    {
        _file = file;
        Source = source;
        _template = template;
    }

    /// <summary>The template as it was written.</summary>
    public string Source { get; }

    /// <summary>Reads a template.</summary>
    /// <param name="fileName">For messages: where the template comes from.</param>
    /// <param name="source">The template.</param>
    /// <exception cref="ModelFileException">The source cannot be read; the reason names the line.</exception>
    public static ChatTemplate Parse(string fileName, string source)
    {
        if (source.Length > MaxSourceLength)
            throw new ModelFileException(fileName, null, $"the chat template has {source.Length} characters; {MaxSourceLength} are read at most");
        return new ChatTemplate(fileName, source, Parser.Parse(fileName, source));
    }

    /// <summary>The prompt of a conversation.</summary>
    /// <param name="input">The conversation.</param>
    /// <param name="clock">What <c>strftime_now</c> reads, in its local time zone.</param>
    /// <param name="limits">What the rendering may use; null: <see cref="TemplateLimits.Default"/>.</param>
    /// <exception cref="ChatTemplateException">The template refuses the conversation, fails on it, or exceeds a limit.</exception>
    public string Render(ChatTemplateInput input, TimeProvider clock, TemplateLimits? limits = null) => Render(input, clock, limits, out _);

    /// <inheritdoc cref="Render(ChatTemplateInput, TimeProvider, TemplateLimits?)"/>
    /// <param name="used">What the rendering has used of its limits.</param>
    internal string Render(ChatTemplateInput input, TimeProvider clock, TemplateLimits? limits, out Budget used)
    {
        Renderer renderer = new(limits ?? TemplateLimits.Default, clock);
        used = renderer.Budget;
        try
        {
            string? continued = Define(renderer, input);
            string prompt = renderer.Render(_template);
            return continued is null ? prompt : CutAfter(prompt, continued);
        }
        catch (TemplateFault fault)
        {
            throw new ChatTemplateException(_file, renderer.Line, fault.Message, fault.ByTemplate);
        }
    }

    /// <summary>Hands the conversation to the template. Returns the text that the answer continues, or null.</summary>
    private static string? Define(Renderer renderer, ChatTemplateInput input)
    {
        if (input.Variables is { ValueKind: JsonValueKind.Object } variables)
        {
            foreach (JsonProperty variable in variables.EnumerateObject())
            {
                if (Reserved.Contains(variable.Name) || input.SpecialTokens.ContainsKey(variable.Name))
                    throw new TemplateFault($"the variable '{variable.Name}' cannot be set: it is the template's own");
                renderer.Define(variable.Name, JsonText.Read(variable.Value));
            }
        }
        else if (input.Variables is { ValueKind: not (JsonValueKind.Null or JsonValueKind.Undefined) })
        {
            throw new TemplateFault("the variables of a template must be a JSON object");
        }

        foreach ((string name, string token) in input.SpecialTokens)
            renderer.Define(name, Value.Of(token));
        Value messages = JsonText.Read(input.Messages);
        string? continued = null;
        if (input.ContinueFinalMessage)
        {
            if (input.AddGenerationPrompt)
                throw new TemplateFault("a prompt cannot both continue the final message and begin a new one");
            messages = MarkFinal(messages, out continued);
        }

        renderer.Define("messages", messages);
        renderer.Define("tools", input.Tools is { } tools ? JsonText.Read(tools) : NoneValue.Instance);
        renderer.Define("documents", input.Documents is { } documents ? JsonText.Read(documents) : NoneValue.Instance);
        renderer.Define("add_generation_prompt", Value.Of(input.AddGenerationPrompt));
        return continued;
    }

    /// <summary>The messages with a mark after the text of the last one.</summary>
    private static ListValue MarkFinal(Value messages, out string continued)
    {
        if (messages is not ListValue { Items: [.., DictValue last] } list || last["content"] is not { } content)
            throw new TemplateFault("there is no final message with a content to continue");
        Value marked;
        switch (content)
        {
            case TextValue text:
                continued = text.Text;
                marked = Value.Of(text.Text + ContinueMark);
                break;
            case ListValue parts when parts.Items.Any(HasText):
                int at = parts.Items.Count - 1;
                while (!HasText(parts.Items[at]))
                    at--;
                DictValue part = (DictValue)parts.Items[at];
                continued = ((TextValue)part["text"]!).Text;
                marked = new ListValue([.. parts.Items.Take(at), With(part, "text", Value.Of(continued + ContinueMark)), .. parts.Items.Skip(at + 1)]);
                break;
            default:
                throw new TemplateFault("there is no text in the final message that could be continued");
        }

        return new ListValue([.. list.Items.SkipLast(1), With(last, "content", marked)]);

        static bool HasText(Value part) => part is DictValue dict && dict["text"] is TextValue;

        static DictValue With(DictValue dict, string key, Value value)
        {
            DictValue copy = new();
            foreach ((Value name, Value old) in dict.Items)
                copy.Put(name, old);
            copy.Put(Value.Of(key), value);
            return copy;
        }
    }

    /// <summary>The prompt up to the mark; where the template has trimmed the message's end, so is the prompt's.</summary>
    private static string CutAfter(string prompt, string continued)
    {
        int mark = prompt.LastIndexOf(ContinueMark.TrimEnd(), StringComparison.Ordinal);
        if (mark < 0 || !prompt.Contains(PythonText.Strip(continued, null, left: true, right: true), StringComparison.Ordinal))
            throw new TemplateFault("the final message cannot be continued: the template does not write its text as it stands");
        bool keepsSpace = string.CompareOrdinal(prompt, mark, ContinueMark, 0, ContinueMark.Length) == 0;
        return keepsSpace ? prompt[..mark] : PythonText.Strip(prompt[..mark], null, left: false, right: true);
    }
}
