using System.Globalization;
using Fairlead.Engine.Constraints.Automata;

namespace Fairlead.Engine.Constraints.Schemas;

/// <summary>A bound of a number: the value in decimal, and whether the value itself is allowed.</summary>
internal readonly record struct NumberBound(decimal Value, bool Exclusive);

/// <summary>What a schema says of numbers.</summary>
internal sealed record NumberFacets
{
    public NumberBound? Lower { get; init; }

    public NumberBound? Upper { get; init; }

    public IReadOnlyList<decimal> MultiplesOf { get; init; } = [];

    /// <summary>Also at least <paramref name="bound"/>.</summary>
    public NumberFacets AtLeast(NumberBound bound) =>
        Lower is { } old && (old.Value > bound.Value || (old.Value == bound.Value && old.Exclusive)) ? this : this with { Lower = bound };

    /// <summary>Also at most <paramref name="bound"/>.</summary>
    public NumberFacets AtMost(NumberBound bound) =>
        Upper is { } old && (old.Value < bound.Value || (old.Value == bound.Value && old.Exclusive)) ? this : this with { Upper = bound };

    /// <summary>Whether <paramref name="value"/> satisfies all of this.</summary>
    public bool Allow(decimal value) =>
        (Lower is not { } lower || (lower.Exclusive ? value > lower.Value : value >= lower.Value))
        && (Upper is not { } upper || (upper.Exclusive ? value < upper.Value : value <= upper.Value))
        && MultiplesOf.All(divisor => value % divisor == 0);

    /// <summary>Whether no number satisfies both this and <paramref name="other"/>, as far as their bounds tell.</summary>
    public bool DisjointFrom(NumberFacets other) => Below(this, other) || Below(other, this);

    private static bool Below(NumberFacets left, NumberFacets right) =>
        left.Upper is { } upper && right.Lower is { } lower && (upper.Value < lower.Value || (upper.Value == lower.Value && (upper.Exclusive || lower.Exclusive)));
}

/// <summary>Writes numbers, their ranges digit by digit and exactly.</summary>
/// <remarks>
/// Which spellings of a number are written: integers without fraction and exponent, of at most 18 digits where no bound asks for more, so that
/// they fit into 64 bits; other numbers with at most 15 digits before and 15 behind the point and an exponent of two digits; with bounds or
/// multiples no exponent, and no more than 15 digits in all that matter, so that a reader with IEEE doubles sees no bound broken by rounding.
/// </remarks>
internal sealed class NumberLanguage(GrammarBuilder builder)
{
    private const int IntegerDigits = 18;

    /// <summary>Decimals of so many digits survive the way through an IEEE double, in order.</summary>
    private const int DoubleDigits = 15;

    /// <summary>Each remainder is a state for each place a digit may stand in.</summary>
    private const int MaxUnits = 4096;

    /// <summary>Digits of a multiple where no bound asks for more: a quotient of so many is exact to 10^-6 in IEEE doubles, with which others divide.</summary>
    private const int MultipleDigits = 9;

    private const decimal Wide = 1_000_000_000_000_000;

    private int Digit => builder.Digit;

    /// <summary>An integer within <paramref name="facets"/>.</summary>
    public int Integer(NumberFacets facets)
    {
        decimal? lower = facets.Lower is { } low ? Ceiling(low) : null;
        decimal? upper = facets.Upper is { } high ? Floor(high) : null;
        int digits = Math.Max(facets.MultiplesOf.Count > 0 ? MultipleDigits : IntegerDigits, Math.Max(DigitsOf(lower), DigitsOf(upper)));
        var signs = new List<int>();
        // -0 is left to those who want it: a negative integer begins at 1.
        if (upper is null or >= 0)
            signs.Add(Magnitude(lower is > 0 ? lower : null, upper));
        if (lower is null or < 0)
            signs.Add(builder.Sequence(builder.Literal("-"), Magnitude(upper is < -1 ? -upper : 1, -lower)));
        return builder.Lexeme(builder.Choice([.. signs]));

        int Magnitude(decimal? least, decimal? most)
        {
            int all = Integers(1, digits);
            if (least is { } l)
                all = builder.Both(all, AtLeast(new NumberBound(l, false), fractions: false));
            if (most is { } m)
                all = builder.Both(all, AtMost(new NumberBound(m, false), fractions: false));
            foreach (decimal divisor in facets.MultiplesOf)
                all = builder.Both(all, builder.Multiple(DivisorOf(divisor)));
            return all;
        }
    }

    /// <summary>A number within <paramref name="facets"/>, with a fraction or without.</summary>
    public int Number(NumberFacets facets)
    {
        if (facets is { Lower: null, Upper: null, MultiplesOf: [] })
        {
            int exponent = builder.Sequence(builder.Bytes(ByteSet.Of("eE"u8)), builder.Optional(builder.Bytes(ByteSet.Of("+-"u8))), builder.Repeat(Digit, 1, 2));
            return builder.Lexeme(builder.Sequence(builder.Optional(builder.Literal("-")), Integers(1, DoubleDigits), Fraction(DoubleDigits), builder.Optional(exponent)));
        }

        // A bound that no double of 15 digits reaches only says that there is one: without exponent, all we write stays within it.
        if (facets.Lower is { Value: <= -Wide })
            facets = facets with { Lower = null };
        if (facets.Upper is { Value: >= Wide })
            facets = facets with { Upper = null };
        int boundDigits = Math.Max(DigitsOf(facets.Lower?.Value), DigitsOf(facets.Upper?.Value));
        int finest = facets.MultiplesOf.Select(static divisor => DivisorOf(divisor).FractionDigits).DefaultIfEmpty(0).Max();
        int digits = facets.Lower is null || facets.Upper is null ? Math.Max(MultipleDigits - finest, boundDigits) : boundDigits;
        int fraction = Math.Max(DoubleDigits - digits, Math.Max(FractionDigitsOf(facets.Lower), FractionDigitsOf(facets.Upper)));
        fraction = Math.Max(fraction, finest);
        var signs = new List<int>();
        if (facets.Upper is not { } top || top.Value > 0 || top is { Value: 0, Exclusive: false })
            signs.Add(Magnitude(facets.Lower is { Value: >= 0 } ? facets.Lower : null, facets.Upper));
        if (facets.Lower is not { } bottom || bottom.Value < 0)
            signs.Add(builder.Sequence(builder.Literal("-"), Magnitude(Negated(facets.Upper is { Value: <= 0 } ? facets.Upper : null), Negated(facets.Lower))));
        return builder.Lexeme(builder.Choice([.. signs]));

        int Magnitude(NumberBound? least, NumberBound? most)
        {
            int all = builder.Sequence(Integers(1, digits), Fraction(fraction));
            if (least is { } l)
                all = builder.Both(all, AtLeast(l, fractions: true));
            if (most is { } m)
                all = builder.Both(all, AtMost(m, fractions: true));
            foreach (decimal divisor in facets.MultiplesOf)
                all = builder.Both(all, builder.Multiple(DivisorOf(divisor)));
            return all;
        }
    }

    /// <summary>The divisor as whole units of a power of ten.</summary>
    /// <exception cref="ConstraintException">It has more digits than the automaton counts with.</exception>
    public static Divisor DivisorOf(decimal divisor)
    {
        int digits = 0;
        for (; divisor != Math.Truncate(divisor) && digits < 12; digits++)
            divisor *= 10;
        return divisor == Math.Truncate(divisor) && divisor is > 0 and <= MaxUnits
            ? new Divisor((int)divisor, digits)
            : throw new ConstraintException(null, $"multipleOf is supported for positive numbers up to {MaxUnits}, and fractions whose digits come to no more");
    }

    private static NumberBound? Negated(NumberBound? bound) => bound is { } b ? b with { Value = -b.Value } : null;

    private static decimal Ceiling(NumberBound bound)
    {
        decimal whole = Math.Ceiling(bound.Value);
        return whole == bound.Value && bound.Exclusive ? whole + 1 : whole;
    }

    private static decimal Floor(NumberBound bound)
    {
        decimal whole = Math.Floor(bound.Value);
        return whole == bound.Value && bound.Exclusive ? whole - 1 : whole;
    }

    private static int DigitsOf(decimal? value) => value is { } v ? Whole(v).Length : 0;

    private static int FractionDigitsOf(NumberBound? bound) => bound is { } b ? Fraction(b.Value).Length : 0;

    private static string Whole(decimal value) => Math.Truncate(Math.Abs(value)).ToString(CultureInfo.InvariantCulture);

    private static string Fraction(decimal value)
    {
        string text = Math.Abs(value).ToString(CultureInfo.InvariantCulture);
        int point = text.IndexOf('.');
        return point < 0 ? "" : text[(point + 1)..].TrimEnd('0');
    }

    /// <summary>Whole numbers of so many digits without leading zeros; 0 counts as one digit.</summary>
    private int Integers(int atLeast, int atMost)
    {
        if (atMost < atLeast)
            return builder.Never;
        int longer = builder.Sequence(Digits('1', '9'), builder.Repeat(Digit, atLeast - 1, atMost == Grammar.Unbounded ? atMost : atMost - 1));
        return atLeast == 1 ? builder.Choice(builder.Literal("0"), longer) : longer;
    }

    private int Fraction(int atMost) => atMost <= 0 ? builder.Nothing : builder.Optional(builder.Sequence(builder.Literal("."), builder.Repeat(Digit, 1, atMost)));

    private int Digits(int first, int last) => builder.Bytes(ByteSet.Range(first, last));

    private int Exactly(char digit) => builder.Literal(digit.ToString());

    private int AnyFraction(bool fractions) => fractions ? Fraction(Grammar.Unbounded) : builder.Nothing;

    /// <summary>Magnitudes not below <paramref name="bound"/> (its sign is not looked at): more digits, or at the first digit that differs a greater one.</summary>
    private int AtLeast(NumberBound bound, bool fractions)
    {
        string whole = Whole(bound.Value);
        string fraction = Fraction(bound.Value);
        // Backwards: what is left to say when all digits so far are equal.
        int equal = fractions ? FractionAbove(fraction, bound.Exclusive) : bound.Exclusive ? builder.Never : builder.Nothing;
        for (int at = whole.Length - 1; at >= 0; at--)
        {
            int greater = builder.Sequence(Digits(whole[at] + 1, '9'), builder.Repeat(Digit, whole.Length - at - 1, whole.Length - at - 1), AnyFraction(fractions));
            equal = builder.Choice(greater, builder.Sequence(Exactly(whole[at]), equal));
        }

        return builder.Choice(equal, builder.Sequence(Integers(whole.Length + 1, Grammar.Unbounded), AnyFraction(fractions)));
    }

    /// <summary>Magnitudes not above <paramref name="bound"/>.</summary>
    private int AtMost(NumberBound bound, bool fractions)
    {
        string whole = Whole(bound.Value);
        string fraction = Fraction(bound.Value);
        int equal = fractions ? FractionBelow(fraction, bound.Exclusive) : bound.Exclusive ? builder.Never : builder.Nothing;
        for (int at = whole.Length - 1; at >= 0; at--)
        {
            // No leading zero: a longer number does not begin with one.
            char least = at == 0 && whole.Length > 1 ? '1' : '0';
            int smaller = builder.Sequence(Digits(least, whole[at] - 1), builder.Repeat(Digit, whole.Length - at - 1, whole.Length - at - 1), AnyFraction(fractions));
            equal = builder.Choice(smaller, builder.Sequence(Exactly(whole[at]), equal));
        }

        return builder.Choice(equal, builder.Sequence(Integers(1, whole.Length - 1), AnyFraction(fractions)));
    }

    /// <summary>Fractions not below <paramref name="bound"/>, digits without trailing zeros; the point included.</summary>
    private int FractionAbove(string bound, bool exclusive)
    {
        if (bound.Length == 0 && !exclusive)
            return AnyFraction(true);
        int anyDigits = builder.Repeat(Digit, 0, Grammar.Unbounded);
        int equal = exclusive
            ? builder.Sequence(builder.Repeat(builder.Literal("0"), 0, Grammar.Unbounded), Digits('1', '9'), anyDigits)
            : anyDigits;
        for (int at = bound.Length - 1; at >= 0; at--)
            equal = builder.Choice(builder.Sequence(Digits(bound[at] + 1, '9'), anyDigits), builder.Sequence(Exactly(bound[at]), equal));
        return builder.Sequence(builder.Literal("."), equal);
    }

    /// <summary>Fractions not above <paramref name="bound"/>; none at all is zero.</summary>
    private int FractionBelow(string bound, bool exclusive)
    {
        int zeros = builder.Repeat(builder.Literal("0"), 0, Grammar.Unbounded);
        if (bound.Length == 0)
            return exclusive ? builder.Never : builder.Optional(builder.Sequence(builder.Literal("."), builder.Literal("0"), zeros));
        int anyDigits = builder.Repeat(Digit, 0, Grammar.Unbounded);
        int equal = exclusive ? builder.Never : zeros;
        for (int at = bound.Length - 1; at >= 0; at--)
        {
            // The bound's last digit is no zero, so a fraction that ends before it lies below.
            int rest = at == bound.Length - 1 ? equal : builder.Optional(equal);
            equal = builder.Choice(builder.Sequence(Digits('0', bound[at] - 1), anyDigits), builder.Sequence(Exactly(bound[at]), rest));
        }

        return builder.Optional(builder.Sequence(builder.Literal("."), equal));
    }
}
