using System.Numerics;

namespace Fairlead.Engine.Templates;

/// <summary>The tests: <c>value is name(…)</c>.</summary>
internal static class ValueTests
{
    private delegate bool Test(Budget budget, Value value, Arguments arguments);

    private static readonly Dictionary<string, Test> ByName = new(StringComparer.Ordinal)
    {
        ["boolean"] = static (_, value, _) => value is BoolValue,
        ["callable"] = static (_, value, _) => value is CallableValue or UndefinedValue,
        ["defined"] = static (_, value, _) => value is not UndefinedValue,
        ["divisibleby"] = static (budget, value, arguments) => !Arithmetic.Apply("%", value, Operand(arguments, "divisibleby"), budget).IsTrue,
        ["even"] = static (budget, value, _) => !Arithmetic.Apply("%", value, Value.Of(2), budget).IsTrue,
        ["false"] = static (_, value, _) => value == BoolValue.False,
        ["filter"] = static (_, value, _) => value is TextValue name && Filters.Exists(name.Text),
        ["float"] = static (_, value, _) => value is FloatValue,
        ["in"] = static (budget, value, arguments) => Containers.Has(Operand(arguments, "in"), value, budget),
        ["integer"] = static (_, value, _) => value is IntValue,
        ["iterable"] = static (_, value, _) => value is TextValue or ListValue or TupleValue or DictValue or ViewValue or RangeValue or GeneratorValue or UndefinedValue,
        ["lower"] = static (_, value, _) => value is TextValue text && PythonText.IsCase(text.Text, upper: false),
        ["mapping"] = static (_, value, _) => value is DictValue,
        ["none"] = static (_, value, _) => value is NoneValue,
        ["number"] = static (_, value, _) => Arithmetic.IsNumber(value),
        ["odd"] = static (budget, value, _) => Arithmetic.Apply("%", value, Value.Of(2), budget).IsTrue,
        ["sameas"] = static (_, value, arguments) => IsSame(value, Operand(arguments, "sameas")),
        // What has a length and can be indexed; dictionaries do too.
        ["sequence"] = static (_, value, _) => value is TextValue or ListValue or TupleValue or DictValue or RangeValue or UndefinedValue,
        ["string"] = static (_, value, _) => value is TextValue,
        ["test"] = static (_, value, _) => value is TextValue name && Exists(name.Text),
        ["true"] = static (_, value, _) => value == BoolValue.True,
        ["undefined"] = static (_, value, _) => value is UndefinedValue,
        ["upper"] = static (_, value, _) => value is TextValue text && PythonText.IsCase(text.Text, upper: true),
        ["escaped"] = static (_, value, _) => value is TextValue { IsMarkup: true },
        ["eq"] = Comparing("=="),
        ["equalto"] = Comparing("=="),
        ["=="] = Comparing("=="),
        ["ne"] = Comparing("!="),
        ["!="] = Comparing("!="),
        ["lt"] = Comparing("<"),
        ["lessthan"] = Comparing("<"),
        ["<"] = Comparing("<"),
        ["le"] = Comparing("<="),
        ["<="] = Comparing("<="),
        ["gt"] = Comparing(">"),
        ["greaterthan"] = Comparing(">"),
        [">"] = Comparing(">"),
        ["ge"] = Comparing(">="),
        [">="] = Comparing(">="),
    };

    public static bool Apply(string name, Budget budget, Value value, Arguments arguments)
    {
        if (!ByName.TryGetValue(name, out Test? test))
            throw new TemplateFault($"No test named '{name}' found.");
        // A test may read the text it is asked about.
        budget.Spend(value is TextValue ? value.Weight : 1);
        return test(budget, value, arguments);
    }

    private static bool Exists(string name) => ByName.ContainsKey(name);

    private static Test Comparing(string sign) => (budget, value, arguments) => Comparison.Holds(value, sign, Operand(arguments, sign), budget);

    private static Value Operand(Arguments arguments, string test) => arguments.Positional.Count == 1
        ? arguments.Positional[0]
        : throw new TemplateFault($"the test '{test}' takes one argument ({arguments.Positional.Count} given)");

    /// <summary>Python's <c>is</c>, as far as it says anything about values: small numbers and short texts are shared there.</summary>
    private static bool IsSame(Value a, Value b) => ReferenceEquals(a, b) || (a, b) switch
    {
        (IntValue x, IntValue y) => x.Value == y.Value && BigInteger.Abs(x.Value) <= 256,
        (TextValue x, TextValue y) => x.Text == y.Text,
        _ => false,
    };
}
