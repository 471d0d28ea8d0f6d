namespace Fairlead.Engine.Templates;

/// <summary>Filters that apply another filter or a test to each item.</summary>
internal static class SelectionFilters
{
    public static GeneratorValue Map(Budget budget, Value value, Arguments arguments)
    {
        List<Value> mapped = [];
        if (arguments.Positional.Count == 0 && arguments.Named.TryGetValue("attribute", out Value? attribute))
        {
            Value?[] bound = arguments.Bind("map", "attribute", "default");
            foreach (Value item in Chosen(budget, value))
            {
                Value member = AttributePath.Of(budget, item, attribute);
                mapped.Add(member is UndefinedValue && bound[1] is { } fallback and not NoneValue ? fallback : member);
            }

            return new GeneratorValue(mapped);
        }

        if (arguments.Positional.Count == 0)
            throw new TemplateFault("map requires a filter argument");
        string filter = Arguments.Text(arguments.Positional[0], "", "map");
        Arguments rest = arguments.Skip(1);
        foreach (Value item in Chosen(budget, value))
            mapped.Add(Filters.Apply(filter, budget, item, rest));
        return new GeneratorValue(mapped);
    }

    public static GeneratorValue Select(Budget budget, Value value, Arguments arguments, bool keep)
    {
        List<Value> selected = [];
        foreach (Value item in Chosen(budget, value))
        {
            if (Passes(budget, item, arguments) == keep)
                selected.Add(item);
        }

        return new GeneratorValue(selected);
    }

    public static GeneratorValue SelectAttribute(Budget budget, Value value, Arguments arguments, bool keep)
    {
        if (arguments.Positional.Count == 0)
            throw new TemplateFault("Missing parameter for attribute name");
        Arguments test = arguments.Skip(1);
        List<Value> selected = [];
        foreach (Value item in Chosen(budget, value))
        {
            if (Passes(budget, AttributePath.Of(budget, item, arguments.Positional[0]), test) == keep)
                selected.Add(item);
        }

        return new GeneratorValue(selected);
    }

    /// <summary>What map and select walk: nothing of a false value, so that <c>none | selectattr(…)</c> is empty and no error.</summary>
    private static IReadOnlyList<Value> Chosen(Budget budget, Value value) => value.IsTrue ? Containers.Items(value, budget) : [];

    /// <summary>Whether the test that the first argument names holds; without one, whether the value is true.</summary>
    private static bool Passes(Budget budget, Value value, Arguments test) => test.Positional.Count == 0
        ? value.IsTrue
        : ValueTests.Apply(Arguments.Text(test.Positional[0], "", "select"), budget, value, test.Skip(1));
}
