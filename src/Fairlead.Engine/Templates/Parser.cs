using System.Globalization;
using System.Numerics;
using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Templates;

/// <summary>Reads the statements of a template. Expressions are in <see cref="ExpressionParser"/>.</summary>
internal sealed class Parser
{
    private readonly TokenReader _tokens;
    private readonly ExpressionParser _expressions;
    private int _loops;

    private Parser(TokenReader tokens)
    {
        _tokens = tokens;
        _expressions = new ExpressionParser(tokens);
    }

    /// <summary>The tree of a whole template, or <see cref="ModelFileException"/> with the line that cannot be read.</summary>
    public static Block Parse(string file, string source)
    {
        Parser parser = new(new TokenReader(file, Lexer.Read(file, source)));
        return parser.ReadBlock([]);
    }

    /// <summary>Statements up to (not including the name of) one of the tags that end them; none given: to the end of the file.</summary>
    private Block ReadBlock(ReadOnlySpan<string> ends)
    {
        using TokenReader.Level level = _tokens.Deeper();
        List<Statement> statements = [];
        while (true)
        {
            Token token = _tokens.Take();
            switch (token.Kind)
            {
                case TokenKind.Data:
                    statements.Add(new DataStatement(token.Text, token.Line));
                    break;
                case TokenKind.OutputBegin:
                    Expression value = _expressions.ReadTuple();
                    _tokens.Expect(TokenKind.OutputEnd, "}}");
                    statements.Add(new OutputStatement(value, token.Line));
                    break;
                case TokenKind.BlockBegin:
                    Token name = _tokens.ExpectName();
                    if (ends.Contains(name.Text))
                    {
                        _tokens.Back();
                        return new Block(statements);
                    }

                    statements.Add(ReadStatement(name));
                    break;
                default:
                    if (ends.Length > 0)
                        throw _tokens.Refuse(token, $"the template ends where {{% {ends[^1]} %}} is missing");
                    return new Block(statements);
            }
        }
    }

    private Statement ReadStatement(Token name) => name.Text switch
    {
        "if" => ReadIf(name.Line),
        "for" => ReadFor(name.Line),
        "set" => ReadSet(name.Line),
        "macro" => ReadMacro(name.Line),
        "call" => ReadCall(name.Line),
        "filter" => ReadFilter(name.Line),
        "with" => ReadWith(name.Line),
        "generation" => new GenerationStatement(ReadBody("endgeneration"), name.Line),
        "break" or "continue" => ReadJump(name),
        "include" or "import" or "from" or "extends" or "block" =>
            throw _tokens.Refuse(name, $"{{% {name.Text} %}} is not supported: a chat template stands alone and cannot load others"),
        _ => throw _tokens.Refuse(name, $"{{% {name.Text} %}} is no tag of chat templates, or nothing is open that it could end"),
    };

    /// <summary>From the end of the opening tag to the end of the closing one.</summary>
    private Block ReadBody(string end)
    {
        EndTag();
        Block body = ReadBlock([end]);
        _tokens.ExpectName();
        EndTag();
        return body;
    }

    private IfStatement ReadIf(int line)
    {
        List<(Expression?, Block)> branches = [];
        Expression? condition = _expressions.ReadTuple(withConditional: false);
        while (true)
        {
            EndTag();
            branches.Add((condition, ReadBlock(condition is null ? ["endif"] : ["elif", "else", "endif"])));
            switch (_tokens.ExpectName().Text)
            {
                case "elif":
                    condition = _expressions.ReadTuple(withConditional: false);
                    break;
                case "else":
                    condition = null;
                    break;
                default:
                    EndTag();
                    return new IfStatement(branches, line);
            }
        }
    }

    private ForStatement ReadFor(int line)
    {
        Target target = ReadTargets(withMember: false);
        if (!_tokens.TryTakeName("in"))
            throw _tokens.Refuse(_tokens.Next, "'in' is missing after the names of a loop");
        Expression items = _expressions.ReadTuple(withConditional: false, stopAtRecursive: true);
        Expression? filter = _tokens.TryTakeName("if") ? _expressions.Read() : null;
        bool isRecursive = _tokens.TryTakeName("recursive");
        EndTag();
        _loops++;
        Block body = ReadBlock(["else", "endfor"]);
        _loops--;
        Block? otherwise = null;
        if (_tokens.ExpectName().Text == "else")
        {
            EndTag();
            otherwise = ReadBlock(["endfor"]);
            _tokens.ExpectName();
        }

        EndTag();
        return new ForStatement(target, items, filter, body, otherwise, isRecursive, line);
    }

    private JumpStatement ReadJump(Token name)
    {
        if (_loops == 0)
            throw _tokens.Refuse(name, $"{{% {name.Text} %}} stands outside of all loops");
        EndTag();
        return new JumpStatement(name.Text == "break", name.Line);
    }

    private Statement ReadSet(int line)
    {
        Target target = ReadTargets(withMember: true);
        if (_tokens.TryTake("="))
        {
            Expression value = _expressions.ReadTuple();
            EndTag();
            return new SetStatement(target, value, line);
        }

        Expression filtered = _expressions.ReadFilters(new BodyExpression(line));
        return new SetBlockStatement(target, filtered, ReadDetachedBody("endset"), line);
    }

    private FilterStatement ReadFilter(int line)
    {
        Expression filtered = _expressions.ReadFilters(new BodyExpression(line), first: true);
        return new FilterStatement(filtered, ReadDetachedBody("endfilter"), line);
    }

    private MacroStatement ReadMacro(int line)
    {
        string name = _tokens.ExpectName().Text;
        IReadOnlyList<(string, Expression?)> parameters = ReadParameters();
        return new MacroStatement(FinishMacro(name, parameters, "endmacro"), line);
    }

    private CallStatement ReadCall(int line)
    {
        IReadOnlyList<(string, Expression?)> parameters = _tokens.Next.Is("(") ? ReadParameters() : [];
        Token at = _tokens.Next;
        if (_expressions.Read() is not CallExpression call)
            throw _tokens.Refuse(at, "{% call %} needs the call of a macro");
        return new CallStatement(FinishMacro("caller", parameters, "endcall"), call, line);
    }

    private MacroSyntax FinishMacro(string name, IReadOnlyList<(string, Expression?)> parameters, string end)
    {
        int from = _tokens.Position;
        Block body = ReadDetachedBody(end);
        MacroExtras extras = MacroExtras.None;
        for (int i = from; i < _tokens.Position; i++)
        {
            Token token = _tokens[i];
            if (token.Kind == TokenKind.Name)
            {
                extras |= token.Text switch
                {
                    "varargs" => MacroExtras.Positional,
                    "kwargs" => MacroExtras.Named,
                    "caller" => MacroExtras.Caller,
                    _ => MacroExtras.None,
                };
            }
        }

        return new MacroSyntax(name, parameters, body, extras);
    }

    /// <summary>A body that is written elsewhere: a jump in it cannot leave the loop around it.</summary>
    private Block ReadDetachedBody(string end)
    {
        (int loops, _loops) = (_loops, 0);
        Block body = ReadBody(end);
        _loops = loops;
        return body;
    }

    private List<(string, Expression?)> ReadParameters()
    {
        _tokens.Expect("(");
        List<(string, Expression?)> parameters = [];
        while (!_tokens.TryTake(")"))
        {
            if (parameters.Count > 0)
            {
                _tokens.Expect(",");
                if (_tokens.TryTake(")"))
                    break;
            }

            Token name = _tokens.ExpectName();
            Expression? fallback = _tokens.TryTake("=") ? _expressions.Read() : null;
            if (fallback is null && parameters.Count > 0 && parameters[^1].Item2 is not null)
                throw _tokens.Refuse(name, $"'{name.Text}' needs a default, because the parameter before it has one");
            parameters.Add((name.Text, fallback));
        }

        return parameters;
    }

    private WithStatement ReadWith(int line)
    {
        List<(Target, Expression)> values = [];
        while (_tokens.Next.Kind != TokenKind.BlockEnd)
        {
            if (values.Count > 0)
                _tokens.Expect(",");
            Target target = ReadTarget(withMember: false);
            _tokens.Expect("=");
            values.Add((target, _expressions.Read()));
        }

        return new WithStatement(values, ReadBody("endwith"), line);
    }

    /// <summary>One target, or several with commas between them.</summary>
    private Target ReadTargets(bool withMember)
    {
        Target first = ReadTarget(withMember);
        if (!_tokens.Next.Is(","))
            return first;
        List<Target> items = [first];
        while (_tokens.TryTake(","))
        {
            if (_tokens.Next.IsName("in") || _tokens.Next.Is("=") || _tokens.Next.Kind == TokenKind.BlockEnd)
                break;
            items.Add(ReadTarget(withMember));
        }

        return new TupleTarget(items);
    }

    private Target ReadTarget(bool withMember)
    {
        using TokenReader.Level level = _tokens.Deeper();
        if (_tokens.TryTake("("))
        {
            Target inner = ReadTargets(withMember);
            _tokens.Expect(")");
            return inner is TupleTarget ? inner : new TupleTarget([inner]);
        }

        Token name = _tokens.ExpectName();
        if (withMember && _tokens.TryTake("."))
            return new MemberTarget(name.Text, _tokens.ExpectName().Text);
        if (name.Text is "true" or "false" or "none" or "True" or "False" or "None")
            throw _tokens.Refuse(name, $"nothing can be assigned to '{name.Text}'");
        return new NameTarget(name.Text);
    }

    private void EndTag() => _tokens.Expect(TokenKind.BlockEnd, "%}");
}

/// <summary>The tokens with a place in them.</summary>
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
        while (!tokens.TryTake("]"))
        {
            if (items.Count > 0)
            {
                tokens.Expect(",");
                if (tokens.TryTake("]"))
                    break;
            }

            items.Add(Read());
        }

        return new ListExpression(items, IsTuple: false, line);
    }

    private DictExpression ReadDict(int line)
    {
        List<(Expression, Expression)> items = [];
        while (!tokens.TryTake("}"))
        {
            if (items.Count > 0)
            {
                tokens.Expect(",");
                if (tokens.TryTake("}"))
                    break;
            }

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
        {
            arguments = ReadArguments();
        }
        else if (next.Kind is TokenKind.Text or TokenKind.Whole or TokenKind.Real || next.Is("[") || next.Is("{")
            || (next.Kind == TokenKind.Name && next.Text is not ("else" or "or" or "and")))
        {
            if (next.IsName("is"))
                throw tokens.Refuse(next, "tests cannot be chained with 'is'");
            // "is divisibleby 3": one argument without brackets. A name that goes on the sentence ("if", "recursive", "in") is not one.
            if (next.Kind != TokenKind.Name || next.Text is not ("if" or "in" or "not" or "recursive"))
                arguments = new CallSyntax([ReadPostfix(ReadPrimary())], []);
        }

        return new TestExpression(operand, name.Text, arguments, isNegated, line);
    }

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
        for (bool isFirst = true; !tokens.TryTake(")"); isFirst = false)
        {
            if (!isFirst)
            {
                tokens.Expect(",");
                if (tokens.TryTake(")"))
                    break;
            }

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
