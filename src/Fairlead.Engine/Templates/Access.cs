using System.Numerics;

namespace Fairlead.Engine.Templates;

/// <summary><c>value.name</c> and <c>value[key]</c>: Jinja2 lets either find attributes and items, each its own first.</summary>
internal static class Access
{
    /// <summary><c>value.name</c>: Python's attribute where the type has one, else the key, else undefined.</summary>
    public static Value Member(Value value, string name, Budget budget)
    {
        if (value is UndefinedValue missing)
            throw missing.Fault();
        return Attribute(value, name) ?? Key(value, Value.Of(name), budget) ?? MissingMember(value, Value.Of(name), budget);
    }

    /// <summary><c>value[key]</c>: the item, else Python's attribute of that name, else undefined.</summary>
    public static Value Item(Value value, Value key, Budget budget)
    {
        if (value is UndefinedValue missing)
            throw missing.Fault();
        return Key(value, key, budget) ?? (key is TextValue name ? Attribute(value, name.Text) : null) ?? MissingMember(value, key, budget);
    }

    /// <summary>The item of a container; null where it has none or cannot be asked.</summary>
    private static Value? Key(Value value, Value key, Budget budget)
    {
        switch (value)
        {
            case DictValue dict:
                budget.Spend(key.Weight);
                return key is ListValue or DictValue || !dict.TryGet(key, out Value? found) ? null : found;
            case ListValue list:
                return Place(key, list.Items.Count) is { } at ? list.Items[(int)at] : null;
            case TupleValue tuple:
                return Place(key, tuple.Items.Count) is { } inTuple ? tuple.Items[(int)inTuple] : null;
            case RangeValue range:
                return Place(key, range.Count) is { } inRange ? range.At(inRange) : null;
            case TextValue text:
                return Place(key, text.Length) is { } character ? PythonText.Slice(text, character, character + 1, 1, budget) : null;
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

    private static UndefinedValue MissingMember(Value value, Value key, Budget budget)
    {
        string type = value is NoneValue ? "None" : $"{value.TypeName} object";
        return new UndefinedValue(key is TextValue name
            ? $"'{type}' has no attribute '{Shortened(name.Text)}'"
            : $"{type} has no element {Shortened(Printing.Representation(key, budget))}");

        static string Shortened(string text) => text.Length > 80 ? text[..80] + "…" : text;
    }
}
