using System.Numerics;

namespace Fairlead.Engine.Templates;

/// <summary>What expressions mean.</summary>
internal sealed partial class Renderer
{
    /// <summary>Under this name the filters of a block find what its body wrote; no template can spell it.</summary>
    private const string BodyName = "";

    /// <summary>The items of a value that can be walked; a step for each. Of undefined: none, as in Jinja2.</summary>
    public IReadOnlyList<Value> Iterate(Value value)
    {
        switch (value)
        {
            case ListValue list:
                return Walked(list.Items);
            case TupleValue tuple:
                return Walked(tuple.Items);
            case ViewValue view:
                return Walked(view.Items);
            case GeneratorValue generator:
                return Walked(generator.Take());
            case DictValue dict:
                Budget.Spend(dict.Items.Count);
                return [.. dict.Items.Select(static item => item.Key)];
            case RangeValue range:
                Budget.Spend(range.Count);
                Value[] numbers = new Value[range.Count];
                for (int i = 0; i < numbers.Length; i++)
                    numbers[i] = range.At(i);
                return numbers;
            case TextValue text:
                Budget.Spend(text.Text.Length);
                List<Value> characters = [];
                for (int i = 0; i < text.Text.Length; i += char.IsSurrogatePair(text.Text, i) ? 2 : 1)
                    characters.Add(Value.Of(text.Text.Substring(i, char.IsSurrogatePair(text.Text, i) ? 2 : 1)));
                return characters;
            case UndefinedValue:
                return [];
            default:
                throw new TemplateFault($"'{value.TypeName}' object is not iterable");
        }
    }

    /// <summary>Calls a macro, function or method.</summary>
    public Value Call(Value callee, Arguments arguments)
    {
        Budget.Enter();
        int line = Line;
        Value result = callee switch
        {
            CallableValue callable => callable.Call(this, arguments),
            MembersValue members => members.Call(this, arguments) ?? throw NotCallable(callee),
            UndefinedValue missing => throw missing.Fault(),
            _ => throw NotCallable(callee),
        };
        Line = line;
        Budget.Leave();
        return result;

        static TemplateFault NotCallable(Value callee) => new($"'{callee.TypeName}' object is not callable");
    }

    /// <summary>How many items a value has, Python's <c>len</c>.</summary>
    public static long Length(Value value) => value switch
    {
        TextValue text => text.Length,
        ListValue list => list.Items.Count,
        TupleValue tuple => tuple.Items.Count,
        DictValue dict => dict.Items.Count,
        ViewValue view => view.Items.Count,
        RangeValue range => range.Count,
        UndefinedValue => 0,
        _ => throw new TemplateFault($"object of type '{value.TypeName}' has no len()"),
    };

    /// <summary>Python's <c>needle in hay</c>.</summary>
    public bool Contains(Value hay, Value needle)
    {
        Budget.Spend(hay is GeneratorValue ? 1 : hay.Weight);
        switch (hay)
        {
            case TextValue text:
                return needle is TextValue part
                    ? text.Text.Contains(part.Text, StringComparison.Ordinal)
                    : throw (needle is UndefinedValue missing ? missing.Fault() : new TemplateFault($"'in <string>' requires string as left operand, not {needle.TypeName}"));
            case DictValue dict:
                Budget.Spend(needle.Weight);
                return dict.TryGet(needle, out _);
            case RangeValue range:
                if (!Arithmetic.IsNumber(needle) || (needle is FloatValue real && Math.Floor(real.Value) != real.Value))
                    return false;
                BigInteger distance = (needle is FloatValue whole ? new BigInteger(whole.Value) : Arithmetic.AsWhole(needle)) - range.Start;
                BigInteger place = BigInteger.DivRem(distance, range.Step, out BigInteger rest);
                return rest.IsZero && place.Sign >= 0 && place < range.Count;
            case ListValue or TupleValue or ViewValue or GeneratorValue or UndefinedValue:
                foreach (Value item in Iterate(hay))
                {
                    if (ReferenceEquals(item, needle) || Comparison.AreEqual(item, needle))
                        return true;
                }

                return false;
            default:
                throw new TemplateFault($"argument of type '{hay.TypeName}' is not iterable");
        }
    }

    /// <summary><c>value.name</c>: Python's attribute where the type has one, else the key, else undefined.</summary>
    public Value Member(Value value, string name)
    {
        if (value is UndefinedValue missing)
            throw missing.Fault();
        return Attribute(value, name) ?? Key(value, Value.Of(name)) ?? MissingMember(value, Value.Of(name));
    }

    /// <summary><c>value[key]</c>: the item, else Python's attribute of that name, else undefined.</summary>
    public Value Item(Value value, Value key)
    {
        if (value is UndefinedValue missing)
            throw missing.Fault();
        return Key(value, key) ?? (key is TextValue name ? Attribute(value, name.Text) : null) ?? MissingMember(value, key);
    }

    public Value Evaluate(Expression expression)
    {
        Budget.Enter();
        Budget.Spend();
        Value value = expression switch
        {
            ConstantExpression constant => constant.Value,
            NameExpression name => Lookup(name),
            MemberExpression member => Member(Evaluate(member.Object), member.Name),
            ItemExpression item => Item(Evaluate(item.Object), Evaluate(item.Key)),
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
            BodyExpression => _scope.Find(BodyName)!,
            _ => throw new InvalidOperationException($"no such expression: {expression.GetType().Name}"),
        };
        Budget.Leave();
        return value;
    }

    private Value Lookup(NameExpression name)
    {
        if (_scope.Find(name.Name) is { } value)
            return value;
        if (_globals.TryGetValue(name.Name, out Value? global))
            return global;
        Line = name.Line;
        return UndefinedValue.Name(name.Name);
    }

    /// <summary>The item of a container; null where it has none or cannot be asked.</summary>
    private Value? Key(Value value, Value key)
    {
        switch (value)
        {
            case DictValue dict:
                Budget.Spend(key.Weight);
                return key is ListValue or DictValue || !dict.TryGet(key, out Value? found) ? null : found;
            case ListValue list:
                return Place(key, list.Items.Count) is { } at ? list.Items[(int)at] : null;
            case TupleValue tuple:
                return Place(key, tuple.Items.Count) is { } inTuple ? tuple.Items[(int)inTuple] : null;
            case RangeValue range:
                return Place(key, range.Count) is { } inRange ? range.At(inRange) : null;
            case TextValue text:
                return Place(key, text.Length) is { } character ? TextMethods.Slice(text, character, character + 1, 1, Budget) : null;
            default:
                return null;
        }

        static long? Place(Value key, long count)
        {
            if (key is not (IntValue or BoolValue))
                return null;
            BigInteger place = Arithmetic.AsWhole(key);
            if (place.Sign < 0)
                place += count;
            return place.Sign >= 0 && place < count ? (long)place : null;
        }
    }

    private static Value? Attribute(Value value, string name) => value switch
    {
        TextValue text => TextMethods.Find(text, name),
        DictValue dict => ContainerMethods.Find(dict, name),
        ListValue list => ContainerMethods.Find(list, name),
        TupleValue tuple => ContainerMethods.Find(tuple, name),
        NamespaceValue space => space.Members.GetValueOrDefault(name),
        MembersValue members => members.Member(name),
        CallableValue { TypeName: "Macro" } macro when name == "name" => Value.Of(macro.Name),
        _ => null,
    };

    private UndefinedValue MissingMember(Value value, Value key)
    {
        string type = value is NoneValue ? "None" : $"{value.TypeName} object";
        return new UndefinedValue(key is TextValue name
            ? $"'{type}' has no attribute '{Shortened(name.Text)}'"
            : $"{type} has no element {Shortened(Printing.Representation(key, Budget))}");

        static string Shortened(string text) => text.Length > 80 ? text[..80] + "…" : text;
    }

    private BoolValue EvaluateCompare(CompareExpression compare)
    {
        Value left = Evaluate(compare.First);
        foreach ((string sign, Expression operand) in compare.Rest)
        {
            Value right = Evaluate(operand);
            Line = compare.Line;
            if (!Holds(left, sign, right))
                return BoolValue.False;
            left = right;
        }

        return BoolValue.True;
    }

    /// <summary>One of the signs <c>== != &lt; &lt;= &gt; &gt;= in notin</c> between two values.</summary>
    public bool Holds(Value left, string sign, Value right)
    {
        switch (sign)
        {
            case "in":
                return Contains(right, left);
            case "notin":
                return !Contains(right, left);
        }

        Budget.Spend(Math.Min(left.Weight, right.Weight));
        return sign switch
        {
            "==" => Comparison.AreEqual(left, right),
            "!=" => !Comparison.AreEqual(left, right),
            "<" => Comparison.Compare(left, right, sign) < 0,
            "<=" => Comparison.Compare(left, right, sign) <= 0,
            ">" => Comparison.Compare(left, right, sign) > 0,
            ">=" => Comparison.Compare(left, right, sign) >= 0,
            _ => throw new InvalidOperationException($"no comparison {sign}"),
        };
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
        return Filters.Apply(filter.Name, this, operand, arguments);
    }

    private bool EvaluateTest(TestExpression test)
    {
        Value operand = Evaluate(test.Operand);
        Arguments arguments = EvaluateArguments(test.Arguments);
        Line = test.Line;
        return ValueTests.Apply(test.Name, this, operand, arguments);
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

    private Arguments EvaluateArguments(CallSyntax syntax)
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
            positional.AddRange(Iterate(Evaluate(more)));
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

    private IReadOnlyList<Value> Walked(IReadOnlyList<Value> items)
    {
        Budget.Spend(items.Count);
        return items;
    }
}
