namespace Fairlead.Engine.Templates;

/// <summary>What expressions mean, in the scope that is set.</summary>
/// <remarks>Functions, filters and tests get their arguments and the budget, and nothing else of this.</remarks>
internal sealed class Evaluator(TemplateLimits limits, TimeProvider clock)
{
    /// <summary>Under this name the filters of a block find what its body wrote; no template can spell it.</summary>
    public const string BodyName = "";

    private readonly Dictionary<string, Value> _globals = Globals.Create(clock);

    /// <summary>What the rendering may still use.</summary>
    public Budget Budget { get; } = new(limits, clock);

    /// <summary>Where names are looked up.</summary>
    public Scope Scope { get; set; } = new(null);

    /// <summary>Line of the statement or expression that is being evaluated.</summary>
    public int Line { get; set; } = 1;

    /// <summary>Calls a macro, function or method.</summary>
    public Value Call(Value callee, Arguments arguments)
    {
        Budget.Enter();
        int line = Line;
        Value result = callee switch
        {
            CallableValue callable => callable.Call(Budget, arguments),
            MembersValue members => members.Call(Budget, arguments) ?? throw NotCallable(callee),
            UndefinedValue missing => throw missing.Fault(),
            _ => throw NotCallable(callee),
        };
        Line = line;
        Budget.Leave();
        return result;

        static TemplateFault NotCallable(Value callee) => new($"'{callee.TypeName}' object is not callable");
    }

    public Value Evaluate(Expression expression)
    {
        Budget.Enter();
        Budget.Spend();
        Value value = expression switch
        {
            ConstantExpression constant => constant.Value,
            NameExpression name => Lookup(name),
            MemberExpression member => Access.Member(Evaluate(member.Object), member.Name, Budget),
            ItemExpression item => Access.Item(Evaluate(item.Object), Evaluate(item.Key), Budget),
            CompareExpression compare => EvaluateCompare(compare),
            LogicExpression logic => Evaluate(logic.Left) is var left && left.IsTrue == logic.IsAnd ? Evaluate(logic.Right) : left,
            UnaryExpression unary => EvaluateUnary(unary),
            BinaryExpression binary => EvaluateBinary(binary),
            ConcatExpression concat => EvaluateConcat(concat),
            CallExpression call => EvaluateCall(call),
            FilterExpression filter => EvaluateFilter(filter),
            TestExpression test => Value.Of(EvaluateTest(test) != test.IsNegated),
            ConditionalExpression choice => EvaluateConditional(choice),
            SliceExpression slice => EvaluateSlice(slice),
            ListExpression list => EvaluateList(list),
            DictExpression dict => EvaluateDict(dict),
            BodyExpression => Scope.Find(BodyName)!,
            _ => throw new InvalidOperationException($"no such expression: {expression.GetType().Name}"),
        };
        Budget.Leave();
        return value;
    }

    private Value Lookup(NameExpression name)
    {
        if (Scope.Find(name.Name) is { } value)
            return value;
        if (_globals.TryGetValue(name.Name, out Value? global))
            return global;
        Line = name.Line;
        return UndefinedValue.Name(name.Name);
    }

    private BoolValue EvaluateCompare(CompareExpression compare)
    {
        Value left = Evaluate(compare.First);
        foreach ((string sign, Expression operand) in compare.Rest)
        {
            Value right = Evaluate(operand);
            Line = compare.Line;
            if (!Comparison.Holds(left, sign, right, Budget))
                return BoolValue.False;
            left = right;
        }

        return BoolValue.True;
    }

    private Value EvaluateUnary(UnaryExpression unary)
    {
        Value operand = Evaluate(unary.Operand);
        Line = unary.Line;
        return unary.Sign switch
        {
            "not" => Value.Of(!operand.IsTrue),
            "-" => Arithmetic.Negate(operand),
            _ => Arithmetic.Plus(operand),
        };
    }

    private Value EvaluateBinary(BinaryExpression binary)
    {
        Value left = Evaluate(binary.Left);
        Value right = Evaluate(binary.Right);
        Line = binary.Line;
        return Arithmetic.Apply(binary.Sign, left, right, Budget);
    }

    private TextValue EvaluateConcat(ConcatExpression concat)
    {
        BoundedText text = new(Budget);
        foreach (Expression part in concat.Parts)
            text.Append(Printing.Text(Evaluate(part), Budget));
        return new TextValue(text.Finish());
    }

    private Value EvaluateCall(CallExpression call)
    {
        Value callee = Evaluate(call.Callee);
        Arguments arguments = EvaluateArguments(call.Arguments);
        Line = call.Line;
        return Call(callee, arguments);
    }

    private Value EvaluateFilter(FilterExpression filter)
    {
        Value operand = Evaluate(filter.Operand);
        Arguments arguments = EvaluateArguments(filter.Arguments);
        Line = filter.Line;
        return Filters.Apply(filter.Name, Budget, operand, arguments);
    }

    private bool EvaluateTest(TestExpression test)
    {
        Value operand = Evaluate(test.Operand);
        Arguments arguments = EvaluateArguments(test.Arguments);
        Line = test.Line;
        return ValueTests.Apply(test.Name, Budget, operand, arguments);
    }

    private Value EvaluateConditional(ConditionalExpression choice)
    {
        if (Evaluate(choice.Condition).IsTrue)
            return Evaluate(choice.Then);
        return choice.Else is { } otherwise
            ? Evaluate(otherwise)
            : new UndefinedValue($"the inline if-expression on line {choice.Line} evaluated to false and no else section was defined.");
    }

    private Value EvaluateSlice(SliceExpression slice)
    {
        Value value = Evaluate(slice.Object);
        Value? from = slice.From is null ? null : Evaluate(slice.From);
        Value? to = slice.To is null ? null : Evaluate(slice.To);
        Value? step = slice.Step is null ? null : Evaluate(slice.Step);
        Line = slice.Line;
        return ContainerMethods.Slice(value, from, to, step, Budget);
    }

    private Value EvaluateList(ListExpression list)
    {
        Value[] items = new Value[list.Items.Count];
        for (int i = 0; i < items.Length; i++)
            items[i] = Evaluate(list.Items[i]);
        return list.IsTuple ? new TupleValue(items) : new ListValue(items);
    }

    private DictValue EvaluateDict(DictExpression dict)
    {
        DictValue value = new();
        foreach ((Expression keySyntax, Expression item) in dict.Items)
        {
            Value key = Evaluate(keySyntax);
            Budget.Spend(key.Weight);
            value.Put(key, Evaluate(item));
        }

        return value;
    }

    public Arguments EvaluateArguments(CallSyntax syntax)
    {
        if (ReferenceEquals(syntax, CallSyntax.Empty))
            return Arguments.None;
        List<Value> positional = new(syntax.Positional.Count);
        foreach (Expression argument in syntax.Positional)
            positional.Add(Evaluate(argument));
        Dictionary<string, Value> named = new(StringComparer.Ordinal);
        foreach ((string name, Expression argument) in syntax.Named)
        {
            if (!named.TryAdd(name, Evaluate(argument)))
                throw new TemplateFault($"keyword argument repeated: {name}");
        }

        if (syntax.MorePositional is { } more)
            positional.AddRange(Containers.Items(Evaluate(more), Budget));
        if (syntax.MoreNamed is { } moreNamed)
        {
            if (Evaluate(moreNamed) is not DictValue dict)
                throw new TemplateFault("the argument after ** must be a mapping");
            Budget.Spend(dict.Items.Count);
            foreach ((Value key, Value value) in dict.Items)
            {
                if (key is not TextValue name)
                    throw new TemplateFault("keywords must be strings");
                if (!named.TryAdd(name.Text, value))
                    throw new TemplateFault($"got multiple values for keyword argument '{name.Text}'");
            }
        }

        return new Arguments(positional, named);
    }
}
