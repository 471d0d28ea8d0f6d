namespace Fairlead.Engine.Templates;

/// <summary>What a macro's parameters are in one call.</summary>
internal static class MacroArguments
{
    /// <summary>Sets what the call gives, and <c>caller</c>, <c>kwargs</c> and <c>varargs</c> where the macro speaks of them.</summary>
    /// <returns>The parameters that the call leaves open: their defaults may use those before them, so whoever runs the macro sets them.</returns>
    /// <exception cref="TemplateFault">The call gives what the macro does not take.</exception>
    public static HashSet<string> Bind(MacroSyntax macro, Arguments arguments, Scope scope)
    {
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
        return missing;
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
}
