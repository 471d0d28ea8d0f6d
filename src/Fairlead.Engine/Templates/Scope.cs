namespace Fairlead.Engine.Templates;

/// <summary>Names and their values inside one loop turn, macro call or block; what is not here is looked for outside.</summary>
/// <remarks>Jinja2's rule: <c>set</c> never reaches an outer scope. An <c>if</c> makes no scope of its own.</remarks>
internal sealed class Scope(Scope? outer)
{
    private Dictionary<string, Value>? _names;

    public void Set(string name, Value value) => (_names ??= new(StringComparer.Ordinal))[name] = value;

    public Value? Find(string name)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._names is { } names && names.TryGetValue(name, out Value? value))
                return value;
        }

        return null;
    }

    private Scope? Outer { get; } = outer;
}
