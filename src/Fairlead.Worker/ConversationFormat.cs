using System.Collections.Immutable;
using System.Text.Json;
using Fairlead.Engine.Chat;
using Fairlead.Engine.Constraints;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Templates;

namespace Fairlead.Worker;

/// <summary>How one template of a model holds conversations: the template, what it says of calls and thoughts, and which special tokens that takes.</summary>
internal sealed class ConversationFormat
{
    private readonly ImmutableArray<string> _marks;

    private ConversationFormat(ChatTemplate template, ChatFormat chat, ImmutableArray<string> marks)
    {
        Template = template;
        Chat = chat;
        _marks = marks;
    }

    public ChatTemplate Template { get; }

    public ChatFormat Chat { get; }

    /// <summary>Calls or thoughts are marked with special tokens, which must stay in the text to be read.</summary>
    public bool NeedsSpecialTokens => !_marks.IsEmpty;

    /// <summary>The format of the template for conversations with or without tools; null where the model holds none.</summary>
    public static ConversationFormat? Of(LanguageModel model, bool withTools)
    {
        if (model.TemplateFor(withTools) is not { } template)
            return null;
        ChatFormat chat = ChatFormat.Detect(template, model.SpecialTokens, text => model.Tokenizer.IdOf(text) is not null);
        var marks = ImmutableArray.CreateBuilder<string>();
        for (int id = 0; id < model.Tokenizer.VocabularySize; id++)
        {
            if (model.Tokenizer.IsSpecial(id) && chat.Keeps(model.Tokenizer.TokenOf(id)))
                marks.Add(model.Tokenizer.TokenOf(id));
        }
        return new ConversationFormat(template, chat, marks.ToImmutable());
    }

    /// <summary>What an answer must look like that is a call; null where the model's way of writing calls cannot be forced.</summary>
    public ConstraintSpec? RequiredCall(JsonElement tools, string? name) => Chat.GrammarFor(tools, name) is { } grammar
        ? new ConstraintSpec.OneOf([.. grammar.Alternatives.Select(Sequence)])
        : null;

    private ConstraintSpec.Sequence Sequence(IReadOnlyList<ToolCallPiece> pieces) => new([.. pieces.SelectMany(Spec)]);

    private IEnumerable<ConstraintSpec> Spec(ToolCallPiece piece) => piece switch
    {
        ToolCallPiece.Literal literal => Written(literal.Text),
        ToolCallPiece.Json json => [new ConstraintSpec.JsonSchema(json.Schema)],
        ToolCallPiece.TextBefore text => [new ConstraintSpec.TextWithout(text.Stop)],
        ToolCallPiece.OneOf one => [new ConstraintSpec.OneOf([.. one.Texts.Select(text => new ConstraintSpec.Sequence([.. Written(text)]))])],
        ToolCallPiece.Optional optional => [new ConstraintSpec.Repeat(Sequence(optional.Pieces), 0, 1)],
        _ => throw new ArgumentOutOfRangeException(nameof(piece), piece, "a kind of piece that is new"),
    };

    /// <summary>A text as tokens write it: a mark that is a special token is that token, for no other tokens can spell it.</summary>
    private IEnumerable<ConstraintSpec> Written(string text)
    {
        while (text.Length > 0)
        {
            int at = text.Length;
            string? mark = null;
            foreach (string one in _marks)
            {
                int found = text.IndexOf(one, StringComparison.Ordinal);
                if (found >= 0 && (found < at || (found == at && one.Length > mark!.Length)))
                    (at, mark) = (found, one);
            }
            if (at > 0)
                yield return new ConstraintSpec.Literal(text[..at]);
            if (mark is null)
                yield break;
            yield return new ConstraintSpec.SpecialToken(mark);
            text = text[(at + mark.Length)..];
        }
    }
}
