namespace Fairlead.Engine.Tokenizers.Decoders;

/// <summary>A step from tokens back to text: <c>decoder</c> in <c>tokenizer.json</c>. Immutable; what it remembers of one text is in its <see cref="DecodeStage"/>.</summary>
internal abstract class DecodeStep
{
    /// <summary>A stage at the beginning of a text, which hands on to <paramref name="next"/>.</summary>
    public abstract DecodeStage Begin(DecodeStage next);

    /// <summary>What a token becomes in the middle of a text, as far as its neighbours do not matter.</summary>
    public abstract TokenBytes Middle(TokenBytes token);
}

/// <summary>A token on its way to bytes: text until a step says which bytes it means.</summary>
internal readonly record struct TokenBytes(string Text, byte[]? Bytes)
{
    /// <summary>Changes the text; bytes stay.</summary>
    public TokenBytes Map(Func<string, string> map) => Bytes is null ? this with { Text = map(Text) } : this;
}

/// <summary>One step at work on one text.</summary>
/// <remarks>
/// A token comes in one part or, behind a step that joins tokens, in many: only the last has <c>ends</c> set. So a text can be handed on as
/// it grows, and decoding it at once is the same as decoding it bit by bit.
/// </remarks>
internal abstract class DecodeStage
{
    /// <summary>A part of a token.</summary>
    public abstract void Push(ReadOnlySpan<char> part, bool ends);

    /// <summary>The text is over: hands on what was held back.</summary>
    public abstract void End();
}

/// <summary>A stage that can only judge whole tokens.</summary>
internal abstract class WholeTokenStage(DecodeStage next) : DecodeStage
{
    private System.Text.StringBuilder? _held;

    protected DecodeStage Next => next;

    public sealed override void Push(ReadOnlySpan<char> part, bool ends)
    {
        if (!ends)
        {
            (_held ??= new System.Text.StringBuilder()).Append(part);
        }
        else if (_held is { Length: > 0 })
        {
            string whole = _held.Append(part).ToString();
            _held.Clear();
            Token(whole);
        }
        else
        {
            Token(part);
        }
    }

    public override void End() => next.End();

    protected abstract void Token(ReadOnlySpan<char> token);
}

/// <summary><c>Sequence</c>: one after the other.</summary>
internal sealed class DecodeSequence(IReadOnlyList<DecodeStep> steps) : DecodeStep
{
    public override DecodeStage Begin(DecodeStage next)
    {
        for (int i = steps.Count - 1; i >= 0; i--)
            next = steps[i].Begin(next);
        return next;
    }

    public override TokenBytes Middle(TokenBytes token) => steps.Aggregate(token, (now, step) => step.Middle(now));
}

/// <summary>Where a text ends up.</summary>
internal sealed class TextStage : DecodeStage
{
    private readonly System.Text.StringBuilder _text = new();

    public override void Push(ReadOnlySpan<char> part, bool ends) => _text.Append(part);

    public override void End()
    {
    }

    /// <summary>What has come in since the last call.</summary>
    public string Take()
    {
        if (_text.Length == 0)
            return "";
        string taken = _text.ToString();
        _text.Clear();
        return taken;
    }
}
