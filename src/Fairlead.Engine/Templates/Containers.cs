using System.Numerics;

namespace Fairlead.Engine.Templates;

/// <summary>What can be walked, counted and searched, whatever its type: Python's <c>for</c>, <c>len</c> and <c>in</c>.</summary>
internal static class Containers
{
    /// <summary>The items of a value that can be walked; a step for each. Of undefined: none, as in Jinja2.</summary>
    public static IReadOnlyList<Value> Items(Value value, Budget budget)
    {
        switch (value)
        {
            case ListValue list:
                return Walked(list.Items, budget);
            case TupleValue tuple:
                return Walked(tuple.Items, budget);
            case ViewValue view:
                return Walked(view.Items, budget);
            case GeneratorValue generator:
                return Walked(generator.Take(), budget);
            case DictValue dict:
                budget.Spend(dict.Items.Count);
                return [.. dict.Items.Select(static item => item.Key)];
            case RangeValue range:
                budget.Spend(range.Count);
                Value[] numbers = new Value[range.Count];
                for (int i = 0; i < numbers.Length; i++)
                    numbers[i] = range.At(i);
                return numbers;
            case TextValue text:
                budget.Spend(text.Text.Length);
                List<Value> characters = [];
                for (int i = 0; i < text.Text.Length; i += char.IsSurrogatePair(text.Text, i) ? 2 : 1)
                    characters.Add(Value.Of(text.Text.Substring(i, char.IsSurrogatePair(text.Text, i) ? 2 : 1)));
                return characters;
            case UndefinedValue:
                return [];
            default:
                throw new TemplateFault($"'{value.TypeName}' object is not iterable");
        }
    }

    /// <summary>How many items a value has, Python's <c>len</c>.</summary>
    public static long Length(Value value) => value switch
    {
        TextValue text => text.Length,
        ListValue list => list.Items.Count,
        TupleValue tuple => tuple.Items.Count,
        DictValue dict => dict.Items.Count,
        ViewValue view => view.Items.Count,
        RangeValue range => range.Count,
        UndefinedValue => 0,
        _ => throw new TemplateFault($"object of type '{value.TypeName}' has no len()"),
    };

    /// <summary>Python's <c>needle in hay</c>.</summary>
    public static bool Has(Value hay, Value needle, Budget budget)
    {
        budget.Spend(hay is GeneratorValue ? 1 : hay.Weight);
        switch (hay)
        {
            case TextValue text:
                return needle is TextValue part
                    ? text.Text.Contains(part.Text, StringComparison.Ordinal)
                    : throw (needle is UndefinedValue missing ? missing.Fault() : new TemplateFault($"'in <string>' requires string as left operand, not {needle.TypeName}"));
            case DictValue dict:
                budget.Spend(needle.Weight);
                return dict.TryGet(needle, out _);
            case RangeValue range:
                if (!Arithmetic.IsNumber(needle) || (needle is FloatValue real && Math.Floor(real.Value) != real.Value))
                    return false;
                BigInteger distance = (needle is FloatValue whole ? new BigInteger(whole.Value) : Arithmetic.AsWhole(needle)) - range.Start;
                BigInteger place = BigInteger.DivRem(distance, range.Step, out BigInteger rest);
                return rest.IsZero && place.Sign >= 0 && place < range.Count;
            case ListValue or TupleValue or ViewValue or GeneratorValue or UndefinedValue:
                foreach (Value item in Items(hay, budget))
                {
                    if (ReferenceEquals(item, needle) || Comparison.AreEqual(item, needle))
                        return true;
                }

                return false;
            default:
                throw new TemplateFault($"argument of type '{hay.TypeName}' is not iterable");
        }
    }

    private static IReadOnlyList<Value> Walked(IReadOnlyList<Value> items, Budget budget)
    {
        budget.Spend(items.Count);
        return items;
    }
}
