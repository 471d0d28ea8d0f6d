using System.Text;

namespace Fairlead.Engine.Templates;

/// <summary>Runs the statements of a template once, for one conversation. What expressions mean, <see cref="Evaluator"/> says.</summary>
internal sealed class Renderer
{
    private readonly StringBuilder _output = new();
    private readonly Evaluator _evaluator;
    private StringBuilder _to;
    private bool _writesPrompt = true;

    public Renderer(TemplateLimits limits, TimeProvider clock)
    {
        _evaluator = new Evaluator(limits, clock);
        _to = _output;
    }

    /// <summary>What the rendering may still use.</summary>
    public Budget Budget => _evaluator.Budget;

    /// <summary>Line of the statement or expression that is being evaluated.</summary>
    public int Line => _evaluator.Line;

    private enum Jump
    {
        None,
        Break,
        Continue,
    }

    /// <summary>A name that the template finds without setting it. It stands in the outermost scope, where the template may set it anew.</summary>
    public void Define(string name, Value value) => _evaluator.Scope.Set(name, value);

    public string Render(Block template)
    {
        Run(template);
        return _output.ToString();
    }

    private Jump Run(Block block)
    {
        Budget.Enter();
        Jump jump = Jump.None;
        for (int i = 0; i < block.Statements.Count && jump == Jump.None; i++)
            jump = Run(block.Statements[i]);
        Budget.Leave();
        return jump;
    }

    private Jump Run(Statement statement)
    {
        Budget.Spend();
        _evaluator.Line = statement.Line;
        switch (statement)
        {
            case DataStatement data:
                Write(data.Text);
                return Jump.None;
            case OutputStatement output:
                Write(Printing.Text(Evaluate(output.Value), Budget));
                return Jump.None;
            case SetStatement set:
                Assign(set.Target, Evaluate(set.Value));
                return Jump.None;
            case IfStatement choice:
                return RunIf(choice);
            case ForStatement loop:
                RunFor(loop, Evaluate(loop.Items), depth: 0);
                return Jump.None;
            case JumpStatement jump:
                return jump.IsBreak ? Jump.Break : Jump.Continue;
            case MacroStatement macro:
                _evaluator.Scope.Set(macro.Macro.Name, MakeMacro(macro.Macro, _evaluator.Scope));
                return Jump.None;
            case SetBlockStatement set:
                Assign(set.Target, FilterBody(set.Body, set.Value));
                return Jump.None;
            case FilterStatement filter:
                Write(Printing.Text(FilterBody(filter.Body, filter.Value), Budget));
                return Jump.None;
            case CallStatement call:
                RunCall(call);
                return Jump.None;
            case WithStatement with:
                return RunWith(with);
            case GenerationStatement generation:
                return RunInside(generation.Body, new Scope(_evaluator.Scope));
            default:
                throw new InvalidOperationException($"no such statement: {statement.GetType().Name}");
        }
    }

    private void Write(string text)
    {
        if (_writesPrompt && text.Length > Budget.Output - _to.Length)
            throw new TemplateFault($"the prompt is longer than {Budget.Output} characters");
        Budget.Build(text.Length);
        _to.Append(text);
    }

    private Jump RunIf(IfStatement choice)
    {
        foreach ((Expression? condition, Block body) in choice.Branches)
        {
            if (condition is null || Evaluate(condition).IsTrue)
                return Run(body);
        }

        return Jump.None;
    }

    private void RunFor(ForStatement loop, Value over, int depth)
    {
        Scope outer = _evaluator.Scope;
        IReadOnlyList<Value> items = Containers.Items(over, Budget);
        if (loop.Filter is { } filter)
            items = Select(loop.Target, filter, items);
        LoopState state = new(items, depth);
        MembersValue members = new("LoopContext", state.Member, loop.IsRecursive ? Recurse : null);
        for (int i = 0; i < items.Count; i++)
        {
            Budget.Spend();
            state.Index = i;
            _evaluator.Scope = new Scope(outer);
            _evaluator.Scope.Set("loop", members);
            Assign(loop.Target, items[i]);
            if (Run(loop.Body) == Jump.Break)
                break;
        }

        _evaluator.Scope = outer;
        if (items.Count == 0 && loop.Else is { } otherwise)
            RunInside(otherwise, new Scope(outer));

        Value Recurse(Budget budget, Arguments arguments)
        {
            Value?[] bound = arguments.Bind("loop", "iterable");
            return Capture(outer, () => RunFor(loop, Arguments.Required(bound[0], "loop", "iterable"), depth + 1));
        }
    }

    private List<Value> Select(Target target, Expression filter, IReadOnlyList<Value> items)
    {
        Scope outer = _evaluator.Scope;
        List<Value> selected = [];
        foreach (Value item in items)
        {
            Budget.Spend();
            _evaluator.Scope = new Scope(outer);
            Assign(target, item);
            if (Evaluate(filter).IsTrue)
                selected.Add(item);
        }

        _evaluator.Scope = outer;
        return selected;
    }

    private Jump RunWith(WithStatement with)
    {
        Scope inner = new(_evaluator.Scope);
        // The values are all evaluated outside: with a = 1, b = a does not see the new a.
        Value[] values = [.. with.Values.Select(pair => Evaluate(pair.Value))];
        Scope outer = _evaluator.Scope;
        _evaluator.Scope = inner;
        for (int i = 0; i < values.Length; i++)
            Assign(with.Values[i].Target, values[i]);
        _evaluator.Scope = outer;
        return RunInside(with.Body, inner);
    }

    private Jump RunInside(Block body, Scope scope)
    {
        Scope outer = _evaluator.Scope;
        _evaluator.Scope = scope;
        Jump jump = Run(body);
        _evaluator.Scope = outer;
        return jump;
    }

    private void RunCall(CallStatement call)
    {
        CallableValue caller = MakeMacro(call.Caller, _evaluator.Scope);
        Value callee = Evaluate(call.Call.Callee);
        Arguments arguments = _evaluator.EvaluateArguments(call.Call.Arguments);
        Dictionary<string, Value> named = new(arguments.Named, StringComparer.Ordinal) { ["caller"] = caller };
        Write(Printing.Text(_evaluator.Call(callee, new Arguments(arguments.Positional, named)), Budget));
    }

    private Value FilterBody(Block body, Expression filters)
    {
        Value written = Capture(new Scope(_evaluator.Scope), () => Run(body));
        Scope inner = new(_evaluator.Scope);
        inner.Set(Evaluator.BodyName, written);
        Scope outer = _evaluator.Scope;
        _evaluator.Scope = inner;
        Value filtered = Evaluate(filters);
        _evaluator.Scope = outer;
        return filtered;
    }

    /// <summary>What the action writes, as a value instead of into the prompt.</summary>
    private TextValue Capture(Scope scope, Action write)
    {
        (StringBuilder to, Scope outer, bool writesPrompt) = (_to, _evaluator.Scope, _writesPrompt);
        _to = new StringBuilder();
        _evaluator.Scope = scope;
        _writesPrompt = false;
        write();
        string text = _to.ToString();
        (_to, _evaluator.Scope, _writesPrompt) = (to, outer, writesPrompt);
        return new TextValue(text);
    }

    private void Assign(Target target, Value value)
    {
        switch (target)
        {
            case NameTarget name:
                _evaluator.Scope.Set(name.Name, value);
                break;
            case MemberTarget member:
                if (_evaluator.Scope.Find(member.Name) is not NamespaceValue space)
                    throw new TemplateFault("cannot assign attribute on non-namespace object");
                space.Members[member.Member] = value;
                break;
            case TupleTarget tuple:
                IReadOnlyList<Value> items = Containers.Items(value, Budget);
                if (items.Count != tuple.Items.Count)
                {
                    throw new TemplateFault(items.Count > tuple.Items.Count
                        ? $"too many values to unpack (expected {tuple.Items.Count})"
                        : $"not enough values to unpack (expected {tuple.Items.Count}, got {items.Count})");
                }

                for (int i = 0; i < items.Count; i++)
                    Assign(tuple.Items[i], items[i]);
                break;
        }
    }

    private CallableValue MakeMacro(MacroSyntax macro, Scope definedIn) => new(macro.Name, "Macro", (_, arguments) => CallMacro(macro, definedIn, arguments));

    private TextValue CallMacro(MacroSyntax macro, Scope definedIn, Arguments arguments)
    {
        // Names are looked up where the macro stands, not where it is called from.
        Scope scope = new(definedIn);
        HashSet<string> missing = MacroArguments.Bind(macro, arguments, scope);
        return Capture(scope, () =>
        {
            // In order, inside the macro: a default may use the parameters before it.
            foreach ((string name, Expression? fallback) in macro.Parameters)
            {
                if (missing.Contains(name))
                    scope.Set(name, fallback is null ? new UndefinedValue($"parameter '{name}' was not provided") : Evaluate(fallback));
            }

            Run(macro.Body);
        });
    }

    private Value Evaluate(Expression expression) => _evaluator.Evaluate(expression);
}
