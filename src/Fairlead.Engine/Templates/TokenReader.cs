using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Templates;

/// <summary>The tokens of a template with a place in them, and how deep in brackets and tags that place is.</summary>
internal sealed class TokenReader(string file, List<Token> tokens)
{
    /// <summary>Brackets in operators in tags in tags: more than a person writes, less than the stack of a small thread holds.</summary>
    private const int MaxLevels = 150;

    private int _levels;

    public int Position { get; private set; }

    public Token Next => tokens[Position];

    public Token AfterNext => tokens[Math.Min(Position + 1, tokens.Count - 1)];

    public Token this[int position] => tokens[position];

    /// <summary>The next token; at the end, <see cref="TokenKind.End"/> again and again.</summary>
    public Token Take() => Position < tokens.Count - 1 ? tokens[Position++] : tokens[^1];

    public void Back() => Position--;

    public bool TryTake(string sign)
    {
        if (!Next.Is(sign))
            return false;
        Take();
        return true;
    }

    public bool TryTakeName(string name)
    {
        if (!Next.IsName(name))
            return false;
        Take();
        return true;
    }

    public void Expect(string sign)
    {
        if (!TryTake(sign))
            throw Refuse(Next, $"'{sign}' is missing before {Describe(Next)}");
    }

    public void Expect(TokenKind kind, string sign)
    {
        if (Next.Kind != kind)
            throw Refuse(Next, $"'{sign}' is missing before {Describe(Next)}");
        Take();
    }

    /// <summary>Whether another item follows in a list in brackets. What stands before it is taken: the comma, which may also come last, or the bracket that closes.</summary>
    public bool TryBeginItem(bool isFirst, string close)
    {
        if (TryTake(close))
            return false;
        if (isFirst)
            return true;
        Expect(",");
        return !TryTake(close);
    }

    public Token ExpectName() => Next.Kind == TokenKind.Name ? Take() : throw Refuse(Next, $"a name is missing before {Describe(Next)}");

    public ModelFileException Refuse(Token at, string reason) => new(file, null, $"line {at.Line}: {reason}");

    public static string Describe(Token token) => token.Kind switch
    {
        TokenKind.End => "the end of the template",
        TokenKind.BlockEnd => "'%}'",
        TokenKind.OutputEnd => "'}}'",
        TokenKind.Text => $"the text '{(token.Text.Length > 40 ? token.Text[..40] + "…" : token.Text)}'",
        _ => $"'{token.Text}'",
    };

    /// <summary>One level of nesting more, until disposed.</summary>
    public Level Deeper()
    {
        if (++_levels > MaxLevels)
            throw Refuse(Next, $"the template nests deeper than {MaxLevels} levels");
        return new Level(this);
    }

    public readonly struct Level(TokenReader reader) : IDisposable
    {
        public void Dispose() => reader._levels--;
    }
}
