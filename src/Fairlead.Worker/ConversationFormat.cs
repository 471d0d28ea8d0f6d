using Fairlead.Engine.Chat;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Templates;

namespace Fairlead.Worker;

/// <summary>How one template of a model holds conversations: the template, what it says of calls and thoughts, and which special tokens that takes.</summary>
internal sealed class ConversationFormat
{
    private ConversationFormat(ChatTemplate template, ChatFormat chat)
    {
        Template = template;
        Chat = chat;
    }

    public ChatTemplate Template { get; }

    public ChatFormat Chat { get; }

    /// <summary>Calls or thoughts are marked with special tokens, which must stay in the text to be read.</summary>
    public bool NeedsSpecialTokens => Chat.UsesSpecialTokens;

    /// <summary>The format of the template for conversations with or without tools; null where the model holds none.</summary>
    public static ConversationFormat? Of(LanguageModel model, bool withTools) => model.TemplateFor(withTools) is { } template
        ? new ConversationFormat(template, ChatFormat.Detect(template, model.SpecialTokens, model.Tokenizer))
        : null;
}
