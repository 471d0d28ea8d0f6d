namespace Fairlead.Engine.Templates;

/// <summary>The evaluated arguments of one call.</summary>
internal sealed class Arguments(IReadOnlyList<Value> positional, IReadOnlyDictionary<string, Value> named)
{
    private static readonly Dictionary<string, Value> NoNames = [];

    public static Arguments None { get; } = new([], NoNames);

    public IReadOnlyList<Value> Positional { get; } = positional;

    public IReadOnlyDictionary<string, Value> Named { get; } = named;

    public static Arguments Of(params Value[] positional) => new(positional, NoNames);

    /// <summary>The arguments without the first ones.</summary>
    public Arguments Skip(int count) => new([.. Positional.Skip(count)], Named);

    /// <summary>The arguments in the order of the parameters, null where one is not given; more or other ones are refused.</summary>
    public Value?[] Bind(string callee, params ReadOnlySpan<string> parameters)
    {
        if (Positional.Count > parameters.Length)
            throw new TemplateFault($"{callee}() takes at most {parameters.Length} arguments ({Positional.Count} given)");
        Value?[] bound = new Value?[parameters.Length];
        for (int i = 0; i < Positional.Count; i++)
            bound[i] = Positional[i];
        foreach ((string name, Value value) in Named)
        {
            int place = parameters.IndexOf(name);
            if (place < 0)
                throw new TemplateFault($"{callee}() got an unexpected keyword argument '{name}'");
            if (bound[place] is not null)
                throw new TemplateFault($"{callee}() got multiple values for argument '{name}'");
            bound[place] = value;
        }

        return bound;
    }

    /// <summary>A whole number as <see cref="Arithmetic.AsClamped"/> gives it, or the fallback where none was given.</summary>
    public static int Whole(Value? value, int fallback, string callee)
    {
        if (value is null or NoneValue)
            return fallback;
        if (value is not (IntValue or BoolValue))
            throw new TemplateFault($"{callee}: '{value.TypeName}' object cannot be interpreted as an integer");
        return Arithmetic.AsClamped(value);
    }

    public static string Text(Value? value, string fallback, string callee) => value switch
    {
        null => fallback,
        TextValue text => text.Text,
        UndefinedValue missing => throw missing.Fault(),
        _ => throw new TemplateFault($"{callee}: expected str, not {value.TypeName}"),
    };

    public static string? TextOrNone(Value? value, string callee) => value is null or NoneValue ? null : Text(value, "", callee);

    public static Value Required(Value? value, string callee, string parameter) =>
        value ?? throw new TemplateFault($"{callee}() missing 1 required positional argument: '{parameter}'");
}
