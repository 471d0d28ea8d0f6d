namespace Fairlead.Engine.Templates;

/// <summary>Stable sorting by Python's <c>&lt;</c>, as <c>sorted</c> does it.</summary>
internal static class Sorting
{
    /// <summary>The items in the order of their keys; equal keys stay as they stood, also in reverse.</summary>
    public static IReadOnlyList<T> Sort<T>(IReadOnlyList<T> items, Func<T, Value> key, bool reverse = false)
    {
        (T Item, Value Key)[] keyed = [.. items.Select(item => (item, key(item)))];
        // A merge sort of our own: Array.Sort is not stable, and a fault thrown by its comparer comes out wrapped.
        (T Item, Value Key)[] other = new (T, Value)[keyed.Length];
        for (int width = 1; width < keyed.Length; width *= 2)
        {
            for (int from = 0; from < keyed.Length; from += 2 * width)
                Merge(keyed, other, from, Math.Min(from + width, keyed.Length), Math.Min(from + (2 * width), keyed.Length), reverse);
            (keyed, other) = (other, keyed);
        }

        return [.. keyed.Select(pair => pair.Item)];
    }

    private static void Merge<T>((T Item, Value Key)[] from, (T Item, Value Key)[] to, int left, int middle, int right, bool reverse)
    {
        int a = left;
        int b = middle;
        for (int i = left; i < right; i++)
        {
            bool takeRight = a == middle || (b < right && (reverse
                ? Comparison.Compare(from[a].Key, from[b].Key, "<") < 0
                : Comparison.Compare(from[b].Key, from[a].Key, "<") < 0));
            to[i] = takeRight ? from[b++] : from[a++];
        }
    }
}
