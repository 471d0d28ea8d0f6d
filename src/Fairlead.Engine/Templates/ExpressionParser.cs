using System.Globalization;
using System.Numerics;
using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Templates;

/// <summary>Reads expressions; the methods stand from the loosest to the tightest operator, as in Jinja2's parser.py.</summary>
internal sealed class ExpressionParser(TokenReader tokens)
{
    private static readonly string[] CompareSigns = ["==", "!=", "<", "<=", ">", ">="];

    /// <summary>One expression, conditional ones included.</summary>
    public Expression Read() => ReadConditional();

    /// <summary>An expression, or a tuple where commas stand without brackets.</summary>
    public Expression ReadTuple(bool withConditional = true, bool stopAtRecursive = false, bool inBrackets = false)
    {
        int line = tokens.Next.Line;
        List<Expression> items = [];
        bool isTuple = false;
        while (true)
        {
            if (items.Count > 0)
            {
                if (!tokens.TryTake(","))
                    break;
                isTuple = true;
            }

            if (tokens.Next.Kind is TokenKind.OutputEnd or TokenKind.BlockEnd || tokens.Next.Is(")") || (stopAtRecursive && tokens.Next.IsName("recursive")))
                break;
            items.Add(withConditional ? ReadConditional() : ReadOr());
        }

        if (!isTuple && items.Count == 1)
            return items[0];
        if (items.Count == 0 && !inBrackets)
            throw tokens.Refuse(tokens.Next, $"an expression is missing before {TokenReader.Describe(tokens.Next)}");
        return new ListExpression(items, IsTuple: true, line);
    }

    /// <summary>The filters <c>| a | b(…)</c> that follow; in a <c>filter</c> block the first comes without its bar.</summary>
    public Expression ReadFilters(Expression operand, bool first = false)
    {
        while (first || tokens.TryTake("|"))
        {
            operand = ReadFilter(operand);
            first = false;
        }

        return operand;
    }

    private Expression ReadConditional()
    {
        using TokenReader.Level level = tokens.Deeper();
        int line = tokens.Next.Line;
        Expression value = ReadOr();
        while (tokens.TryTakeName("if"))
        {
            Expression condition = ReadOr();
            Expression? otherwise = tokens.TryTakeName("else") ? ReadConditional() : null;
            value = new ConditionalExpression(condition, value, otherwise, line);
        }

        return value;
    }

    private Expression ReadOr()
    {
        Expression left = ReadAnd();
        while (tokens.Next.IsName("or"))
            left = new LogicExpression(IsAnd: false, left, ReadRight(ReadAnd, out int line), line);
        return left;
    }

    private Expression ReadAnd()
    {
        Expression left = ReadNot();
        while (tokens.Next.IsName("and"))
            left = new LogicExpression(IsAnd: true, left, ReadRight(ReadNot, out int line), line);
        return left;
    }

    private Expression ReadRight(Func<Expression> read, out int line)
    {
        line = tokens.Take().Line;
        return read();
    }

    private Expression ReadNot()
    {
        if (!tokens.Next.IsName("not"))
            return ReadCompare();
        using TokenReader.Level level = tokens.Deeper();
        int line = tokens.Take().Line;
        return new UnaryExpression("not", ReadNot(), line);
    }

    private Expression ReadCompare()
    {
        int line = tokens.Next.Line;
        Expression first = ReadSum();
        List<(string, Expression)> rest = [];
        while (true)
        {
            if (tokens.Next.Kind == TokenKind.Operator && CompareSigns.Contains(tokens.Next.Text))
                rest.Add((tokens.Take().Text, ReadSum()));
            else if (tokens.TryTakeName("in"))
                rest.Add(("in", ReadSum()));
            else if (tokens.Next.IsName("not") && tokens.AfterNext.IsName("in"))
            {
                tokens.Take();
                tokens.Take();
                rest.Add(("notin", ReadSum()));
            }
            else
                return rest.Count == 0 ? first : new CompareExpression(first, rest, line);
        }
    }

    private Expression ReadSum()
    {
        Expression left = ReadConcat();
        while (tokens.Next.Is("+") || tokens.Next.Is("-"))
        {
            Token sign = tokens.Take();
            left = new BinaryExpression(sign.Text, left, ReadConcat(), sign.Line);
        }

        return left;
    }

    private Expression ReadConcat()
    {
        int line = tokens.Next.Line;
        Expression first = ReadProduct();
        if (!tokens.Next.Is("~"))
            return first;
        List<Expression> parts = [first];
        while (tokens.TryTake("~"))
            parts.Add(ReadProduct());
        return new ConcatExpression(parts, line);
    }

    private Expression ReadProduct()
    {
        Expression left = ReadPower();
        while (tokens.Next.Is("*") || tokens.Next.Is("/") || tokens.Next.Is("//") || tokens.Next.Is("%"))
        {
            Token sign = tokens.Take();
            left = new BinaryExpression(sign.Text, left, ReadPower(), sign.Line);
        }

        return left;
    }

    private Expression ReadPower()
    {
        Expression left = ReadUnary(withFilters: true);
        while (tokens.Next.Is("**"))
        {
            Token sign = tokens.Take();
            left = new BinaryExpression("**", left, ReadUnary(withFilters: true), sign.Line);
        }

        return left;
    }

    private Expression ReadUnary(bool withFilters)
    {
        using TokenReader.Level level = tokens.Deeper();
        Expression value;
        if (tokens.Next.Is("-") || tokens.Next.Is("+"))
        {
            Token sign = tokens.Take();
            value = new UnaryExpression(sign.Text, ReadUnary(withFilters: false), sign.Line);
        }
        else
        {
            value = ReadPrimary();
        }

        value = ReadPostfix(value);
        return withFilters ? ReadFiltersAndTests(value) : value;
    }

    private Expression ReadPrimary()
    {
        Token token = tokens.Take();
        switch (token.Kind)
        {
            case TokenKind.Name:
                return token.Text switch
                {
                    "true" or "True" => new ConstantExpression(BoolValue.True, token.Line),
                    "false" or "False" => new ConstantExpression(BoolValue.False, token.Line),
                    "none" or "None" => new ConstantExpression(NoneValue.Instance, token.Line),
                    _ => new NameExpression(token.Text, token.Line),
                };
            case TokenKind.Text:
                List<string> parts = [token.Text];
                while (tokens.Next.Kind == TokenKind.Text)
                    parts.Add(tokens.Take().Text);
                return new ConstantExpression(Value.Of(string.Concat(parts)), token.Line);
            case TokenKind.Whole:
                if (token.Text.Length > 4_300)
                    throw tokens.Refuse(token, "a whole number has more than 4300 digits");
                return new ConstantExpression(Value.Of(BigInteger.Parse(token.Text, CultureInfo.InvariantCulture)), token.Line);
            case TokenKind.Real:
                return new ConstantExpression(new FloatValue(double.Parse(token.Text, CultureInfo.InvariantCulture)), token.Line);
            case TokenKind.Operator when token.Text == "(":
                Expression inner = ReadTuple(inBrackets: true);
                tokens.Expect(")");
                return inner;
            case TokenKind.Operator when token.Text == "[":
                return ReadList(token.Line);
            case TokenKind.Operator when token.Text == "{":
                return ReadDict(token.Line);
            default:
                throw tokens.Refuse(token, $"an expression is missing before {TokenReader.Describe(token)}");
        }
    }

    private ListExpression ReadList(int line)
    {
        List<Expression> items = [];
        while (tokens.TryBeginItem(items.Count == 0, "]"))
            items.Add(Read());
        return new ListExpression(items, IsTuple: false, line);
    }

    private DictExpression ReadDict(int line)
    {
        List<(Expression, Expression)> items = [];
        while (tokens.TryBeginItem(items.Count == 0, "}"))
        {
            Expression key = Read();
            tokens.Expect(":");
            items.Add((key, Read()));
        }

        return new DictExpression(items, line);
    }

    private Expression ReadPostfix(Expression value)
    {
        while (true)
        {
            Token token = tokens.Next;
            if (tokens.TryTake("."))
                value = ReadMember(value, token.Line);
            else if (tokens.TryTake("["))
                value = ReadItem(value, token.Line);
            else if (token.Is("("))
                value = new CallExpression(value, ReadArguments(), token.Line);
            else
                return value;
        }
    }

    private Expression ReadFiltersAndTests(Expression value)
    {
        while (true)
        {
            Token token = tokens.Next;
            if (tokens.TryTake("|"))
                value = ReadFilter(value);
            else if (tokens.TryTakeName("is"))
                value = ReadTest(value, token.Line);
            // Calls bind after filters too: (x | f)(…).
            else if (token.Is("("))
                value = new CallExpression(value, ReadArguments(), token.Line);
            else
                return value;
        }
    }

    private Expression ReadMember(Expression value, int line)
    {
        Token name = tokens.Take();
        return name.Kind switch
        {
            TokenKind.Name => new MemberExpression(value, name.Text, line),
            TokenKind.Whole => new ItemExpression(value, new ConstantExpression(Value.Of(BigInteger.Parse(name.Text, CultureInfo.InvariantCulture)), line), line),
            _ => throw tokens.Refuse(name, $"a name is missing before {TokenReader.Describe(name)}"),
        };
    }

    private Expression ReadItem(Expression value, int line)
    {
        Expression? first = tokens.Next.Is(":") ? null : Read();
        if (first is not null && !tokens.Next.Is(":"))
        {
            if (tokens.Next.Is(","))
            {
                List<Expression> items = [first];
                while (tokens.TryTake(","))
                    items.Add(Read());
                first = new ListExpression(items, IsTuple: true, line);
            }

            tokens.Expect("]");
            return new ItemExpression(value, first, line);
        }

        tokens.Expect(":");
        Expression? to = tokens.Next.Is(":") || tokens.Next.Is("]") ? null : Read();
        Expression? step = tokens.TryTake(":") && !tokens.Next.Is("]") ? Read() : null;
        tokens.Expect("]");
        return new SliceExpression(value, first, to, step, line);
    }

    private FilterExpression ReadFilter(Expression operand)
    {
        Token name = ReadDottedName();
        CallSyntax arguments = tokens.Next.Is("(") ? ReadArguments() : CallSyntax.Empty;
        return new FilterExpression(operand, name.Text, arguments, name.Line);
    }

    private TestExpression ReadTest(Expression operand, int line)
    {
        bool isNegated = tokens.TryTakeName("not");
        Token name = ReadDottedName();
        CallSyntax arguments = CallSyntax.Empty;
        Token next = tokens.Next;
        if (next.Is("("))
            arguments = ReadArguments();
        else if (next.IsName("is"))
            throw tokens.Refuse(next, "tests cannot be chained with 'is'");
        else if (BeginsOperand(next))
            arguments = new CallSyntax([ReadPostfix(ReadPrimary())], []);
        return new TestExpression(operand, name.Text, arguments, isNegated, line);
    }

    /// <summary>Whether a test has one argument without brackets, as in <c>is divisibleby 3</c>. A name that the sentence goes on with is none.</summary>
    private static bool BeginsOperand(Token token) => token.Kind switch
    {
        TokenKind.Text or TokenKind.Whole or TokenKind.Real => true,
        TokenKind.Operator => token.Text is "[" or "{",
        TokenKind.Name => token.Text is not ("and" or "or" or "not" or "in" or "if" or "else" or "recursive"),
        _ => false,
    };

    private Token ReadDottedName()
    {
        Token name = tokens.ExpectName();
        while (tokens.TryTake("."))
            name = name with { Text = name.Text + "." + tokens.ExpectName().Text };
        return name;
    }

    private CallSyntax ReadArguments()
    {
        tokens.Expect("(");
        List<Expression> positional = [];
        List<(string, Expression)> named = [];
        Expression? morePositional = null;
        Expression? moreNamed = null;
        for (bool isFirst = true; tokens.TryBeginItem(isFirst, ")"); isFirst = false)
        {
            Token at = tokens.Next;
            if (tokens.TryTake("*"))
                morePositional = morePositional is null && moreNamed is null ? Read() : throw Misplaced(at);
            else if (tokens.TryTake("**"))
                moreNamed = moreNamed is null ? Read() : throw Misplaced(at);
            else if (at.Kind == TokenKind.Name && tokens.AfterNext.Is("="))
            {
                tokens.Take();
                tokens.Take();
                named.Add(moreNamed is null ? (at.Text, Read()) : throw Misplaced(at));
            }
            else
                positional.Add(named.Count == 0 && morePositional is null && moreNamed is null ? Read() : throw Misplaced(at));
        }

        return new CallSyntax(positional, named, morePositional, moreNamed);
    }

    private ModelFileException Misplaced(Token at) => tokens.Refuse(at, "an argument stands where the call cannot take it");
}
