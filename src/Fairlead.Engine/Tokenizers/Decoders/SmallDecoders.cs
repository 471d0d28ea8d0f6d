using Fairlead.Engine.Tokenizers.Patterns;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.Decoders;

/// <summary><c>Fuse</c>: all tokens are one from here on.</summary>
internal sealed class FuseDecode : DecodeStep
{
    public override DecodeStage Begin(DecodeStage next) => new Stage(next);

    public override TokenBytes Middle(TokenBytes token) => token;

    private sealed class Stage(DecodeStage next) : DecodeStage
    {
        public override void Push(ReadOnlySpan<char> part, bool ends) => next.Push(part, ends: false);

        public override void End()
        {
            next.Push(default, ends: true);
            next.End();
        }
    }
}

/// <summary><c>Replace</c>: matches of a text or a regular expression in each token become <paramref name="content"/>.</summary>
internal sealed class ReplaceDecode(Pattern pattern, string content) : DecodeStep
{
    private readonly string _content = CodePoints.Repaired(content);

    public override DecodeStage Begin(DecodeStage next) => new Stage(this, next);

    public override TokenBytes Middle(TokenBytes token) => token.Map(text => Replaced(text) ?? text);

    // Null: there is nothing to replace.
    private string? Replaced(ReadOnlySpan<char> token)
    {
        Pattern.MatchFinder matches = pattern.Matches(token);
        System.Text.StringBuilder? text = null;
        int copied = 0;
        while (matches.MoveNext())
        {
            (text ??= new System.Text.StringBuilder()).Append(token[copied..matches.Start]).Append(_content);
            copied = matches.End;
        }

        return text?.Append(token[copied..]).ToString();
    }

    private sealed class Stage(ReplaceDecode step, DecodeStage next) : WholeTokenStage(next)
    {
        protected override void Token(ReadOnlySpan<char> token)
        {
            if (step.Replaced(token) is { } replaced)
                Next.Push(replaced, ends: true);
            else
                Next.Push(token, ends: true);
        }
    }
}

/// <summary><c>Strip</c>: up to so many of one character off the beginning and the end of each token.</summary>
internal sealed class StripDecode(int content, int start, int stop) : DecodeStep
{
    public override DecodeStage Begin(DecodeStage next) => stop == 0 ? new LeadingStage(this, next) : new Stage(this, next);

    // Behind a Fuse, where it mostly stands, the middle of a text is not its beginning.
    public override TokenBytes Middle(TokenBytes token) => token;

    private int Content => content;

    private int Start => start;

    private ReadOnlySpan<char> Stripped(ReadOnlySpan<char> token)
    {
        for (int left = start; left > 0 && token.Length > 0 && CodePoints.At(token, 0, out int length) == content; left--)
            token = token[length..];
        for (int left = stop; left > 0 && token.Length > 0 && CodePoints.Before(token, token.Length, out int length) == content; left--)
            token = token[..^length];
        return token;
    }

    private sealed class Stage(StripDecode step, DecodeStage next) : WholeTokenStage(next)
    {
        protected override void Token(ReadOnlySpan<char> token) => Next.Push(step.Stripped(token), ends: true);
    }

    // Only the beginning is stripped: a token that comes in parts need not be waited for.
    private sealed class LeadingStage(StripDecode step, DecodeStage next) : DecodeStage
    {
        private int _left = step.Start;

        public override void Push(ReadOnlySpan<char> part, bool ends)
        {
            while (_left > 0 && part.Length > 0)
            {
                bool strips = CodePoints.At(part, 0, out int length) == step.Content;
                part = strips ? part[length..] : part;
                _left = strips ? _left - 1 : 0;
            }

            next.Push(part, ends);
            if (ends)
                _left = step.Start;
        }

        public override void End() => next.End();
    }
}

/// <summary><c>Metaspace</c>: the sign ▁ becomes a space again, except in the first token, where it was put before the text.</summary>
internal sealed class MetaspaceDecode(int replacement, bool prepends) : DecodeStep
{
    public override DecodeStage Begin(DecodeStage next) => new Stage(replacement, prepends, next);

    public override TokenBytes Middle(TokenBytes token) =>
        token.Map(text => text.Replace(char.ConvertFromUtf32(replacement), " ", StringComparison.Ordinal));

    private sealed class Stage(int replacement, bool dropsInFirst, DecodeStage next) : DecodeStage
    {
        private readonly string _sign = char.ConvertFromUtf32(replacement);
        private bool _inFirst = true;

        public override void Push(ReadOnlySpan<char> part, bool ends)
        {
            for (int found = part.IndexOf(_sign); found >= 0; found = part.IndexOf(_sign))
            {
                next.Push(part[..found], ends: false);
                if (!_inFirst || !dropsInFirst)
                    next.Push(" ", ends: false);
                part = part[(found + _sign.Length)..];
            }

            next.Push(part, ends);
            if (ends)
                _inFirst = false;
        }

        public override void End() => next.End();
    }
}

/// <summary>No decoder at all: tokens with spaces between them.</summary>
internal sealed class SpacedDecode : DecodeStep
{
    public override DecodeStage Begin(DecodeStage next) => new Stage(next);

    public override TokenBytes Middle(TokenBytes token) => token.Map(static text => " " + text);

    private sealed class Stage(DecodeStage next) : WholeTokenStage(next)
    {
        private bool _begun;

        protected override void Token(ReadOnlySpan<char> token)
        {
            if (_begun)
                Next.Push(" ", ends: false);
            _begun = true;
            Next.Push(token, ends: true);
        }
    }
}
