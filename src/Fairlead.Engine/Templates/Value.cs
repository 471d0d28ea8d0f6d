using System.Numerics;

namespace Fairlead.Engine.Templates;

/// <summary>
/// A value of the template language. The closed set below is all a template can ever hold: there is no way from it to a .NET object, so
/// there is nothing to guard.
/// </summary>
/// <remarks>
/// Python's types and names, because real templates are written for Jinja2 and print what Python prints. Values never change, except
/// <see cref="NamespaceValue"/> (assigned by <c>set ns.x</c>) and <see cref="GeneratorValue"/> (read once). Python's mutating methods are
/// refused, as by the sandbox of the reference implementation.
/// </remarks>
internal abstract class Value
{
    /// <summary>Python's name of the type, for error messages.</summary>
    public abstract string TypeName { get; }

    /// <summary>Python's truth of the value.</summary>
    public virtual bool IsTrue => true;

    /// <summary>
    /// How many values a walk through this one visits, whatever is shared inside; a long text counts as several. Whoever walks spends it
    /// first, so that <c>[x, x]</c> of <c>[x, x]</c> of … costs what it pretends to be.
    /// </summary>
    public virtual long Weight => 1;

    /// <summary>Levels of lists, tuples and dictionaries inside.</summary>
    public virtual int Nesting => 0;

    /// <summary>Weight and nesting of a container with these elements.</summary>
    protected static (long Weight, int Nesting) Measure(IReadOnlyList<Value> items)
    {
        long weight = 1;
        int nesting = 0;
        for (int i = 0; i < items.Count; i++)
        {
            weight = Heavier(weight, items[i].Weight);
            nesting = Math.Max(nesting, items[i].Nesting);
        }

        return (weight, Deeper(nesting));
    }

    /// <summary>Sum that stays at the top instead of overflowing.</summary>
    protected static long Heavier(long a, long b) => a > long.MaxValue / 2 - b ? long.MaxValue / 2 : a + b;

    /// <summary>One level more, or the end: 100 is more than JSON readers accept and little enough to walk by recursion.</summary>
    protected static int Deeper(int nesting) =>
        nesting < 100 ? nesting + 1 : throw new TemplateFault("lists and dictionaries nest deeper than 100 levels");

    public static Value Of(bool value) => value ? BoolValue.True : BoolValue.False;

    public static Value Of(BigInteger value) => new IntValue(value);

    public static Value Of(string value) => new TextValue(value);
}

/// <summary>What is not there. Prints as nothing and is false; whatever else is done with it fails with its complaint.</summary>
internal sealed class UndefinedValue(string complaint) : Value
{
    /// <summary>Why it is undefined: <c>'x' is undefined</c>.</summary>
    public string Complaint { get; } = complaint;

    public override string TypeName => "Undefined";

    public override bool IsTrue => false;

    public static UndefinedValue Name(string name) => new($"'{name}' is undefined");

    public TemplateFault Fault() => new(Complaint);
}

internal sealed class NoneValue : Value
{
    public static readonly NoneValue Instance = new();

    public override string TypeName => "NoneType";

    public override bool IsTrue => false;
}

internal sealed class BoolValue : Value
{
    public static readonly BoolValue True = new(true);
    public static readonly BoolValue False = new(false);

    private BoolValue(bool value) => Value = value;

    public bool Value { get; }

    public override string TypeName => "bool";

    public override bool IsTrue => Value;
}

/// <summary>A whole number of any size up to <see cref="MaxBits"/> bits: JSON holds numbers that no 64 bits can.</summary>
internal sealed class IntValue : Value
{
    /// <summary>4,300 decimal digits, where Python itself stops printing (CPython 3.11, sys.set_int_max_str_digits).</summary>
    public const int MaxBits = 14_284;

    public IntValue(BigInteger value)
    {
        if (value.GetBitLength() > MaxBits)
            throw new TemplateFault("a whole number has more than 4300 digits");
        Value = value;
    }

    public BigInteger Value { get; }

    public override string TypeName => "int";

    public override bool IsTrue => !Value.IsZero;
}

internal sealed class FloatValue(double value) : Value
{
    public double Value { get; } = value;

    public override string TypeName => "float";

    public override bool IsTrue => Value != 0;
}

/// <summary>Text. Positions and lengths are code points, as in Python, while the string holds UTF-16.</summary>
internal sealed class TextValue(string text, bool isMarkup = false) : Value
{
    private int _length = -1;

    public string Text { get; } = text;

    /// <summary>Made by <c>safe</c>: <c>+</c> escapes what is added to it for HTML. Some real prompts contain the result.</summary>
    public bool IsMarkup { get; } = isMarkup;

    public override string TypeName => IsMarkup ? "Markup" : "str";

    public override bool IsTrue => Text.Length > 0;

    public override long Weight => 1 + (Text.Length >> 4);

    /// <summary>Code points.</summary>
    public int Length
    {
        get
        {
            if (_length < 0)
            {
                int pairs = 0;
                for (int i = 0; i + 1 < Text.Length; i++)
                {
                    if (char.IsSurrogatePair(Text[i], Text[i + 1]))
                    {
                        pairs++;
                        i++;
                    }
                }

                _length = Text.Length - pairs;
            }

            return _length;
        }
    }

    /// <summary>True where every UTF-16 unit is a code point, so that positions need no counting.</summary>
    public bool IsFlat => Length == Text.Length;
}

/// <summary>A Python list; never changed once made.</summary>
internal sealed class ListValue : Value
{
    public ListValue(IReadOnlyList<Value> items)
    {
        Items = items;
        (Weight, Nesting) = Measure(items);
    }

    public IReadOnlyList<Value> Items { get; }

    public override string TypeName => "list";

    public override bool IsTrue => Items.Count > 0;

    public override long Weight { get; }

    public override int Nesting { get; }
}

internal sealed class TupleValue : Value
{
    public TupleValue(IReadOnlyList<Value> items)
    {
        Items = items;
        (Weight, Nesting) = Measure(items);
    }

    public IReadOnlyList<Value> Items { get; }

    public override string TypeName => "tuple";

    public override bool IsTrue => Items.Count > 0;

    public override long Weight { get; }

    public override int Nesting { get; }
}

/// <summary>A Python dictionary: keeps the order of insertion; keys compare as Python's do (1, 1.0 and True are one key).</summary>
internal sealed class DictValue : Value
{
    private readonly Dictionary<Value, int> _places = new(Comparison.Keys);
    private readonly List<KeyValuePair<Value, Value>> _items = [];
    private long _weight = 1;
    private int _nesting = 1;

    public IReadOnlyList<KeyValuePair<Value, Value>> Items => _items;

    public override string TypeName => "dict";

    public override bool IsTrue => _items.Count > 0;

    public override long Weight => _weight;

    public override int Nesting => _nesting;

    public Value? this[string key] => TryGet(new TextValue(key), out Value? value) ? value : null;

    public bool TryGet(Value key, out Value? value)
    {
        Comparison.RequireHashable(key);
        bool found = _places.TryGetValue(key, out int place);
        value = found ? _items[place].Value : null;
        return found;
    }

    /// <summary>Only for who is making the dictionary: a key that is there keeps its place and gets the new value.</summary>
    public void Put(Value key, Value value)
    {
        Comparison.RequireHashable(key);
        _weight = Heavier(_weight, Heavier(key.Weight, value.Weight));
        _nesting = Math.Max(_nesting, Deeper(Math.Max(key.Nesting, value.Nesting)));
        if (_places.TryGetValue(key, out int place))
        {
            _items[place] = new(_items[place].Key, value);
            return;
        }

        _places.Add(key, _items.Count);
        _items.Add(new(key, value));
    }
}

/// <summary>What <c>dict.items()</c>, <c>.keys()</c> and <c>.values()</c> return: can be walked and counted, but not indexed.</summary>
internal sealed class ViewValue : Value
{
    public ViewValue(string typeName, IReadOnlyList<Value> items)
    {
        TypeName = typeName;
        Items = items;
        (Weight, Nesting) = Measure(items);
    }

    public IReadOnlyList<Value> Items { get; }

    public override string TypeName { get; }

    public override bool IsTrue => Items.Count > 0;

    public override long Weight { get; }

    public override int Nesting { get; }
}

/// <summary><c>range(…)</c>: three numbers, however many it stands for.</summary>
internal sealed class RangeValue(long start, long stop, long step, long count) : Value
{
    public long Count { get; } = count;

    public override string TypeName => "range";

    public override bool IsTrue => Count > 0;

    public long Start { get; } = start;

    /// <summary>As it was given: the first number that is not in the range, or one beyond it.</summary>
    public long Stop { get; } = stop;

    public long Step { get; } = step;

    public Value At(long index) => Of(new BigInteger(Start) + new BigInteger(index) * Step);
}

/// <summary>What <c>map</c>, <c>select</c> and their kind return: walked once, always true, without length, not to be written as JSON.</summary>
internal sealed class GeneratorValue(IReadOnlyList<Value> items) : Value
{
    private IReadOnlyList<Value> _left = items;

    public override string TypeName => "generator";

    public IReadOnlyList<Value> Take()
    {
        IReadOnlyList<Value> taken = _left;
        _left = [];
        return taken;
    }
}

/// <summary><c>namespace(…)</c>: the one thing that a loop's body can change for those outside.</summary>
internal sealed class NamespaceValue : Value
{
    public Dictionary<string, Value> Members { get; } = new(StringComparer.Ordinal);

    public override string TypeName => "Namespace";
}

/// <summary>Something to call: a macro, a global function, a method with its object.</summary>
internal sealed class CallableValue(string name, string typeName, Func<Budget, Arguments, Value> body) : Value
{
    public string Name { get; } = name;

    public override string TypeName { get; } = typeName;

    public Value Call(Budget budget, Arguments arguments) => body(budget, arguments);
}

/// <summary>Things with members of their own: <c>loop</c>, <c>cycler</c>, <c>joiner</c>, macros' names.</summary>
internal sealed class MembersValue(string typeName, Func<string, Value?> member, Func<Budget, Arguments, Value>? call = null) : Value
{
    public override string TypeName { get; } = typeName;

    /// <summary>Null where there is no such member.</summary>
    public Value? Member(string name) => member(name);

    public Value? Call(Budget budget, Arguments arguments) => call?.Invoke(budget, arguments);
}
