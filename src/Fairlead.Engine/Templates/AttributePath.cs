using System.Globalization;
using System.Numerics;

namespace Fairlead.Engine.Templates;

/// <summary>What the argument <c>attribute</c> of filters names: <c>'a.b.0'</c> is item 0 of the member b of the member a.</summary>
internal static class AttributePath
{
    /// <summary>The value at the end of the path. An attribute that is no text is one key.</summary>
    public static Value Of(Budget budget, Value item, Value attribute)
    {
        if (attribute is not TextValue path)
            return Access.Item(item, attribute, budget);
        foreach (string part in path.Text.Split('.'))
            item = Access.Item(item, part.Length is > 0 and < 10 && part.All(char.IsAsciiDigit) ? Value.Of(BigInteger.Parse(part, CultureInfo.InvariantCulture)) : Value.Of(part), budget);
        return item;
    }

    /// <summary>The same where the argument may be left out: the item itself.</summary>
    public static Value OrItself(Budget budget, Value item, Value? attribute) => attribute is null or NoneValue ? item : Of(budget, item, attribute);
}
