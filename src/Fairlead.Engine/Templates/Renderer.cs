using System.Numerics;
using System.Text;

namespace Fairlead.Engine.Templates;

/// <summary>Runs the statements of a template once, for one conversation. What expressions mean is in the other half of this class.</summary>
internal sealed partial class Renderer
{
    private readonly StringBuilder _output = new();
    private readonly Dictionary<string, Value> _globals;
    private StringBuilder _to;
    private Scope _scope;
    private bool _writesPrompt = true;

    public Renderer(TemplateLimits limits, TimeProvider clock)
    {
        Budget = new Budget(limits, clock);
        Clock = clock;
        _globals = Globals.Create();
        _to = _output;
        _scope = new Scope(null);
    }

    public Budget Budget { get; }

    public TimeProvider Clock { get; }

    /// <summary>Line of the statement or expression that is being evaluated.</summary>
    public int Line { get; private set; } = 1;

    private enum Jump
    {
        None,
        Break,
        Continue,
    }

    /// <summary>A name that the template finds without setting it. It stands in the outermost scope, where the template may set it anew.</summary>
    public void Define(string name, Value value) => _scope.Set(name, value);

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
        Line = statement.Line;
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
                _scope.Set(macro.Macro.Name, MakeMacro(macro.Macro, _scope));
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
                return RunInside(generation.Body, new Scope(_scope));
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
        Scope outer = _scope;
        IReadOnlyList<Value> items = Iterate(over);
        if (loop.Filter is { } filter)
            items = Select(loop.Target, filter, items);
        LoopState state = new(items, depth);
        MembersValue members = new("LoopContext", state.Member, loop.IsRecursive ? Recurse : null);
        for (int i = 0; i < items.Count; i++)
        {
            Budget.Spend();
            state.Index = i;
            _scope = new Scope(outer);
            _scope.Set("loop", members);
            Assign(loop.Target, items[i]);
            if (Run(loop.Body) == Jump.Break)
                break;
        }

        _scope = outer;
        if (items.Count == 0 && loop.Else is { } otherwise)
            RunInside(otherwise, new Scope(outer));

        Value Recurse(Renderer renderer, Arguments arguments)
        {
            Value?[] bound = arguments.Bind("loop", "iterable");
            return Capture(outer, () => RunFor(loop, Arguments.Required(bound[0], "loop", "iterable"), depth + 1));
        }
    }

    private List<Value> Select(Target target, Expression filter, IReadOnlyList<Value> items)
    {
        Scope outer = _scope;
        List<Value> selected = [];
        foreach (Value item in items)
        {
            Budget.Spend();
            _scope = new Scope(outer);
            Assign(target, item);
            if (Evaluate(filter).IsTrue)
                selected.Add(item);
        }

        _scope = outer;
        return selected;
    }

    private Jump RunWith(WithStatement with)
    {
        Scope inner = new(_scope);
        // The values are all evaluated outside: with a = 1, b = a does not see the new a.
        Value[] values = [.. with.Values.Select(pair => Evaluate(pair.Value))];
        Scope outer = _scope;
        _scope = inner;
        for (int i = 0; i < values.Length; i++)
            Assign(with.Values[i].Target, values[i]);
        _scope = outer;
        return RunInside(with.Body, inner);
    }

    private Jump RunInside(Block body, Scope scope)
    {
        Scope outer = _scope;
        _scope = scope;
        Jump jump = Run(body);
        _scope = outer;
        return jump;
    }

    private void RunCall(CallStatement call)
    {
        CallableValue caller = MakeMacro(call.Caller, _scope);
        Value callee = Evaluate(call.Call.Callee);
        Arguments arguments = EvaluateArguments(call.Call.Arguments);
        Dictionary<string, Value> named = new(arguments.Named, StringComparer.Ordinal) { ["caller"] = caller };
        Write(Printing.Text(Call(callee, new Arguments(arguments.Positional, named)), Budget));
    }

    private Value FilterBody(Block body, Expression filters)
    {
        Value written = Capture(new Scope(_scope), () => Run(body));
        Scope inner = new(_scope);
        inner.Set(BodyName, written);
        Scope outer = _scope;
        _scope = inner;
        Value filtered = Evaluate(filters);
        _scope = outer;
        return filtered;
    }

    /// <summary>What the action writes, as a value instead of into the prompt.</summary>
    private TextValue Capture(Scope scope, Action write)
    {
        (StringBuilder to, Scope outer, bool writesPrompt) = (_to, _scope, _writesPrompt);
        _to = new StringBuilder();
        _scope = scope;
        _writesPrompt = false;
        write();
        string text = _to.ToString();
        (_to, _scope, _writesPrompt) = (to, outer, writesPrompt);
        return new TextValue(text);
    }

    private void Assign(Target target, Value value)
    {
        switch (target)
        {
            case NameTarget name:
                _scope.Set(name.Name, value);
                break;
            case MemberTarget member:
                if (_scope.Find(member.Name) is not NamespaceValue space)
                    throw new TemplateFault("cannot assign attribute on non-namespace object");
                space.Members[member.Member] = value;
                break;
            case TupleTarget tuple:
                IReadOnlyList<Value> items = Iterate(value);
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

    private static CallableValue MakeMacro(MacroSyntax macro, Scope definedIn) =>
        new(macro.Name, "Macro", (renderer, arguments) => renderer.CallMacro(macro, definedIn, arguments));

    private TextValue CallMacro(MacroSyntax macro, Scope definedIn, Arguments arguments)
    {
        // Names are looked up where the macro stands, not where it is called from.
        Scope scope = new(definedIn);
        int given = Math.Min(arguments.Positional.Count, macro.Parameters.Count);
        HashSet<string> missing = new(StringComparer.Ordinal);
        for (int i = 0; i < macro.Parameters.Count; i++)
        {
            string name = macro.Parameters[i].Name;
            if (arguments.Named.TryGetValue(name, out Value? byName))
                scope.Set(name, i >= given ? byName : throw new TemplateFault($"macro '{macro.Name}' got multiple values for argument '{name}'"));
            else if (i < given)
                scope.Set(name, arguments.Positional[i]);
            else
                missing.Add(name);
        }

        TakeExtras(macro, arguments, scope);
        return Capture(scope, () =>
        {
            // In order, inside the macro: a default may use the parameters before it.
            foreach ((string name, Expression? fallback) in macro.Parameters)
            {
                if (missing.Contains(name))
                    _scope.Set(name, fallback is null ? new UndefinedValue($"parameter '{name}' was not provided") : Evaluate(fallback));
            }

            Run(macro.Body);
        });
    }

    private static void TakeExtras(MacroSyntax macro, Arguments arguments, Scope scope)
    {
        if ((macro.TakesMore & MacroExtras.Caller) != 0 && macro.Name != "caller")
            scope.Set("caller", arguments.Named.TryGetValue("caller", out Value? caller) ? caller : new UndefinedValue("No caller defined"));
        List<string> unknown = [.. arguments.Named.Keys.Where(name =>
            macro.Parameters.All(parameter => parameter.Name != name) && !(name == "caller" && (macro.TakesMore & MacroExtras.Caller) != 0))];
        if ((macro.TakesMore & MacroExtras.Named) != 0)
        {
            DictValue more = new();
            foreach (string name in unknown)
                more.Put(Value.Of(name), arguments.Named[name]);
            scope.Set("kwargs", more);
        }
        else if (unknown.Count > 0)
        {
            throw new TemplateFault(unknown[0] == "caller"
                ? $"macro '{macro.Name}' was invoked with two values for the special caller argument or takes none"
                : $"macro '{macro.Name}' takes no keyword argument '{unknown[0]}'");
        }

        if ((macro.TakesMore & MacroExtras.Positional) != 0)
            scope.Set("varargs", new TupleValue([.. arguments.Positional.Skip(macro.Parameters.Count)]));
        else if (arguments.Positional.Count > macro.Parameters.Count)
            throw new TemplateFault($"macro '{macro.Name}' takes not more than {macro.Parameters.Count} argument(s)");
    }

    /// <summary>What <c>loop</c> tells inside a loop.</summary>
    private sealed class LoopState(IReadOnlyList<Value> items, int depth)
    {
        private IReadOnlyList<Value>? _lastChanged;

        public int Index { get; set; }

        public Value? Member(string name) => name switch
        {
            "index" => Value.Of(new BigInteger(Index + 1)),
            "index0" => Value.Of(new BigInteger(Index)),
            "revindex" => Value.Of(new BigInteger(items.Count - Index)),
            "revindex0" => Value.Of(new BigInteger(items.Count - Index - 1)),
            "first" => Value.Of(Index == 0),
            "last" => Value.Of(Index == items.Count - 1),
            "length" => Value.Of(new BigInteger(items.Count)),
            "depth" => Value.Of(new BigInteger(depth + 1)),
            "depth0" => Value.Of(new BigInteger(depth)),
            "previtem" => Index > 0 ? items[Index - 1] : new UndefinedValue("there is no previous item"),
            "nextitem" => Index + 1 < items.Count ? items[Index + 1] : new UndefinedValue("there is no next item"),
            "cycle" => new CallableValue("cycle", "method", (_, arguments) => arguments.Positional.Count == 0
                ? throw new TemplateFault("no items for cycling given")
                : arguments.Positional[Index % arguments.Positional.Count]),
            "changed" => new CallableValue("changed", "method", (renderer, arguments) => Changed(renderer, arguments)),
            _ => null,
        };

        private BoolValue Changed(Renderer renderer, Arguments arguments)
        {
            TupleValue now = new(arguments.Positional);
            renderer.Budget.Spend(now.Weight);
            bool changed = _lastChanged is null || !Comparison.AreEqual(new TupleValue(_lastChanged), now);
            _lastChanged = arguments.Positional;
            return changed ? BoolValue.True : BoolValue.False;
        }
    }
}
