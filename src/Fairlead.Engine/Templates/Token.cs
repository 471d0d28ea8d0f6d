namespace Fairlead.Engine.Templates;

/// <summary>What a token is.</summary>
internal enum TokenKind
{
    /// <summary>Text outside of all marks.</summary>
    Data,

    /// <summary><c>{%</c>; <see cref="BlockEnd"/> is <c>%}</c>.</summary>
    BlockBegin,
    BlockEnd,

    /// <summary><c>{{</c>; <see cref="OutputEnd"/> is <c>}}</c>.</summary>
    OutputBegin,
    OutputEnd,
    Name,
    Text,
    Whole,
    Real,
    Operator,
    End,
}

/// <summary>One token: for a text its content, for an operator or name its characters, for a number its digits.</summary>
internal readonly record struct Token(TokenKind Kind, string Text, int Line, int Offset)
{
    public bool Is(string sign) => Kind == TokenKind.Operator && Text == sign;

    public bool IsName(string name) => Kind == TokenKind.Name && Text == name;
}
