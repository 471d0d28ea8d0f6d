using System.Numerics;

namespace Fairlead.Engine.Templates;

/// <summary>What <c>loop</c> tells inside a loop.</summary>
internal sealed class LoopState(IReadOnlyList<Value> items, int depth)
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
        "changed" => new CallableValue("changed", "method", (budget, arguments) => Changed(budget, arguments)),
        _ => null,
    };

    private BoolValue Changed(Budget budget, Arguments arguments)
    {
        TupleValue now = new(arguments.Positional);
        budget.Spend(now.Weight);
        bool changed = _lastChanged is null || !Comparison.AreEqual(new TupleValue(_lastChanged), now);
        _lastChanged = arguments.Positional;
        return changed ? BoolValue.True : BoolValue.False;
    }
}
