using System.Numerics;

namespace Fairlead.Engine.Templates;

/// <summary>Python's equality, order and hashing of values. Who calls spends the weight first, see <see cref="Value.Weight"/>; only <see cref="Holds"/> does so itself.</summary>
internal static class Comparison
{
    /// <summary>Equality of dictionary keys, for <see cref="DictValue"/> and whatever else must find values.</summary>
    public static IEqualityComparer<Value> Keys { get; } = new KeyComparer();

    /// <summary>Python's <c>==</c>.</summary>
    public static bool AreEqual(Value a, Value b)
    {
        if (ReferenceEquals(a, b))
            return a is not FloatValue { Value: double.NaN };
        switch (a, b)
        {
            case (TextValue x, TextValue y):
                return string.Equals(x.Text, y.Text, StringComparison.Ordinal);
            case (BoolValue or IntValue or FloatValue, BoolValue or IntValue or FloatValue):
                return CompareNumbers(a, b) == 0;
            case (ListValue x, ListValue y):
                return AreEqual(x.Items, y.Items);
            case (TupleValue x, TupleValue y):
                return AreEqual(x.Items, y.Items);
            case (DictValue x, DictValue y):
                return AreEqual(x, y);
            case (RangeValue x, RangeValue y):
                return x.Count == y.Count && (x.Count == 0 || (x.Start == y.Start && (x.Count == 1 || x.Step == y.Step)));
            case (UndefinedValue, UndefinedValue):
                return true;
            default:
                return false;
        }
    }

    /// <summary>One of the signs <c>== != &lt; &lt;= &gt; &gt;= in notin</c> between two values.</summary>
    public static bool Holds(Value left, string sign, Value right, Budget budget)
    {
        switch (sign)
        {
            case "in":
                return Containers.Has(right, left, budget);
            case "notin":
                return !Containers.Has(right, left, budget);
        }

        budget.Spend(Math.Min(left.Weight, right.Weight));
        return sign switch
        {
            "==" => AreEqual(left, right),
            "!=" => !AreEqual(left, right),
            "<" => Compare(left, right, sign) < 0,
            "<=" => Compare(left, right, sign) <= 0,
            ">" => Compare(left, right, sign) > 0,
            ">=" => Compare(left, right, sign) >= 0,
            _ => throw new InvalidOperationException($"no comparison {sign}"),
        };
    }

    /// <summary>Python's order of two values: negative, zero, positive; null where a NaN makes every comparison false.</summary>
    /// <param name="sign">The operator, for the complaint about types that have no order.</param>
    public static int? Compare(Value a, Value b, string sign)
    {
        switch (a, b)
        {
            case (TextValue x, TextValue y):
                return CompareTexts(x.Text, y.Text);
            case (BoolValue or IntValue or FloatValue, BoolValue or IntValue or FloatValue):
                return CompareNumbers(a, b);
            case (ListValue x, ListValue y):
                return CompareLists(x.Items, y.Items, sign);
            case (TupleValue x, TupleValue y):
                return CompareLists(x.Items, y.Items, sign);
            case (UndefinedValue x, _):
                throw x.Fault();
            case (_, UndefinedValue y):
                throw y.Fault();
            default:
                throw new TemplateFault($"'{sign}' not supported between instances of '{a.TypeName}' and '{b.TypeName}'");
        }
    }

    /// <summary>Refuses what Python cannot hash.</summary>
    public static void RequireHashable(Value key)
    {
        if (key is ListValue or DictValue)
            throw new TemplateFault($"unhashable type: '{key.TypeName}'");
        if (key is TupleValue tuple && tuple.Nesting > 1)
        {
            foreach (Value item in tuple.Items)
                RequireHashable(item);
        }
    }

    private static bool AreEqual(IReadOnlyList<Value> a, IReadOnlyList<Value> b)
    {
        if (a.Count != b.Count)
            return false;
        for (int i = 0; i < a.Count; i++)
        {
            if (!AreEqual(a[i], b[i]))
                return false;
        }

        return true;
    }

    private static bool AreEqual(DictValue a, DictValue b)
    {
        if (a.Items.Count != b.Items.Count)
            return false;
        foreach ((Value key, Value value) in a.Items)
        {
            if (!b.TryGet(key, out Value? other) || !AreEqual(value, other!))
                return false;
        }

        return true;
    }

    private static int? CompareLists(IReadOnlyList<Value> a, IReadOnlyList<Value> b, string sign)
    {
        for (int i = 0; i < a.Count && i < b.Count; i++)
        {
            if (!AreEqual(a[i], b[i]))
                return Compare(a[i], b[i], sign);
        }

        return a.Count.CompareTo(b.Count);
    }

    /// <summary>By code point: UTF-16 order puts U+1F600 before U+FF01, Python does not.</summary>
    private static int CompareTexts(string a, string b)
    {
        int same = a.AsSpan().CommonPrefixLength(b);
        if (same == a.Length || same == b.Length)
            return a.Length.CompareTo(b.Length);
        return Rank(a[same]).CompareTo(Rank(b[same]));

        static int Rank(char c) => char.IsSurrogate(c) ? c + 0x10000 : c;
    }

    private static int? CompareNumbers(Value a, Value b)
    {
        if (a is FloatValue || b is FloatValue)
        {
            double x = Arithmetic.AsDouble(a);
            double y = Arithmetic.AsDouble(b);
            if (double.IsNaN(x) || double.IsNaN(y))
                return null;
            // A whole number beyond 2^53 is compared as what it is, not as the nearest double.
            if (double.IsFinite(x) && double.IsFinite(y) && Math.Abs(x) >= 1L << 53 && Math.Abs(y) >= 1L << 53)
                return Whole(a).CompareTo(Whole(b));
            return x.CompareTo(y);
        }

        return Whole(a).CompareTo(Whole(b));

        static BigInteger Whole(Value value) => value is FloatValue real ? new BigInteger(real.Value) : Arithmetic.AsWhole(value);
    }

    private sealed class KeyComparer : IEqualityComparer<Value>
    {
        public bool Equals(Value? x, Value? y) => AreEqual(x!, y!);

        public int GetHashCode(Value value)
        {
            switch (value)
            {
                case TextValue text:
                    return text.Text.GetHashCode(StringComparison.Ordinal);
                case BoolValue or IntValue:
                    return Mixed(Arithmetic.AsWhole(value));
                case FloatValue real:
                    return Math.Floor(real.Value) == real.Value && double.IsFinite(real.Value)
                        ? Mixed(new BigInteger(real.Value))
                        : real.Value.GetHashCode();
                case TupleValue tuple:
                    HashCode hash = default;
                    foreach (Value item in tuple.Items)
                        hash.Add(GetHashCode(item));
                    return hash.ToHashCode();
                case RangeValue range:
                    return range.Count.GetHashCode();
                case UndefinedValue:
                    return 0;
                default:
                    return System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(value);
            }

            // Seeded anew in every process: numbers chosen to fall into one bucket would make a dictionary crawl.
            static int Mixed(BigInteger whole) => HashCode.Combine(whole);
        }
    }
}
