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
        while (_tokens.TryBeginItem(parameters.Count == 0, ")"))
        {
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
