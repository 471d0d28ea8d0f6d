using System.Text;

namespace Fairlead.Engine.Templates;

/// <summary>Cuts what stands between <c>{{</c> and <c>}}</c> or <c>{%</c> and <c>%}</c> into names, numbers, texts and operators.</summary>
internal static class CodeLexer
{
    private static readonly string[] Operators =
        ["//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"];

    /// <summary>Reads from behind the opening mark to before the closing one.</summary>
    /// <param name="source">At the first character of the code.</param>
    /// <param name="isOutput">True: <c>}}</c> closes it; false: <c>%}</c>.</param>
    /// <param name="mark">Where the opening mark stands, for the refusal of one that is not closed.</param>
    /// <param name="tokens">Gets the tokens, without those of the marks.</param>
    public static void Read(TemplateCursor source, bool isOutput, int mark, List<Token> tokens)
    {
        Stack<char> open = new();
        while (true)
        {
            source.MoveTo(source.SkipSpace(source.At));
            if (source.IsAtEnd)
                throw source.Refuse($"{(isOutput ? "{{" : "{%")} of byte {Encoding.UTF8.GetByteCount(source.Span(0, mark))} is not closed with {Mark(isOutput)}");
            // Inside brackets "}}" closes two of them, not the output.
            if (open.Count == 0 && source.Has(Mark(isOutput), source.At + (IsSign(source[source.At], isOutput) ? 1 : 0)))
                return;
            (int line, int at) = (source.Line, source.At);
            (TokenKind kind, string text) = Next(source, open);
            tokens.Add(new Token(kind, text, line, at));
        }
    }

    /// <summary>What closes code.</summary>
    public static string Mark(bool isOutput) => isOutput ? "}}" : "%}";

    /// <summary>Whether a character before a closing mark says what becomes of the white space behind it.</summary>
    public static bool IsSign(char c, bool isOutput) => c is '-' || (c is '+' && !isOutput);

    private static (TokenKind Kind, string Text) Next(TemplateCursor source, Stack<char> open)
    {
        char c = source[source.At];
        return c switch
        {
            '\'' or '"' => (TokenKind.Text, TextLiteral.Read(source)),
            _ when char.IsAsciiDigit(c) => Number(source),
            _ when c == '_' || char.IsLetter(c) => (TokenKind.Name, Name(source)),
            _ => (TokenKind.Operator, Operator(source, open)),
        };
    }

    private static string Name(TemplateCursor source)
    {
        int end = source.At;
        while (end < source.Length && (source[end] == '_' || char.IsLetterOrDigit(source[end])))
            end++;
        return Take(source, end);
    }

    private static (TokenKind Kind, string Text) Number(TemplateCursor source)
    {
        int end = Digits(source, source.At);
        bool isReal = false;
        // "1.x" and "x.0.1" are member accesses: the point belongs to the number only between digits.
        bool afterPoint = source.At > 0 && source[source.At - 1] == '.';
        if (!afterPoint && source.Peek(end) == '.' && char.IsAsciiDigit(source.Peek(end + 1)))
        {
            end = Digits(source, end + 1);
            isReal = true;
        }

        if (!afterPoint && source.Peek(end) is 'e' or 'E')
        {
            int exponent = source.Peek(end + 1) is '+' or '-' ? end + 2 : end + 1;
            if (char.IsAsciiDigit(source.Peek(exponent)))
            {
                end = Digits(source, exponent);
                isReal = true;
            }
        }

        return (isReal ? TokenKind.Real : TokenKind.Whole, Take(source, end).Replace("_", "", StringComparison.Ordinal));
    }

    private static int Digits(TemplateCursor source, int at)
    {
        while (char.IsAsciiDigit(source.Peek(at)) || (source.Peek(at) == '_' && char.IsAsciiDigit(source.Peek(at + 1))))
            at++;
        return at;
    }

    private static string Operator(TemplateCursor source, Stack<char> open)
    {
        if (Array.Find(Operators, sign => source.Has(sign, source.At)) is not { } found)
            throw source.Refuse($"'{source[source.At]}' means nothing here");
        switch (found)
        {
            case "(" or "[" or "{":
                open.Push(found[0] == '(' ? ')' : found[0] == '[' ? ']' : '}');
                break;
            case ")" or "]" or "}" when open.Count == 0 || open.Pop() != found[0]:
                throw source.Refuse($"'{found}' closes nothing here");
        }

        source.MoveTo(source.At + found.Length);
        return found;
    }

    private static string Take(TemplateCursor source, int end)
    {
        string taken = source.Until(end);
        source.MoveTo(end);
        return taken;
    }
}
