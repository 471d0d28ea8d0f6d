namespace Fairlead.Engine.Tokenizers.Unicode;

/// <summary>The four normalization forms of Unicode Standard Annex #15.</summary>
internal enum NormalizationKind
{
    Nfd,
    Nfkd,
    Nfc,
    Nfkc,
}

/// <summary>One character of a changed text and how it came about, in the terms of Hugging Face's alignment.</summary>
/// <param name="CodePoint">What stands there now.</param>
/// <param name="Delta">0: it replaces one character; 1: it was added after one; −n: it replaces one and the n that follow.</param>
internal readonly record struct Change(int CodePoint, int Delta);

/// <summary>Decomposes and composes text while keeping count of which character came from which.</summary>
internal static class Normalization
{
    private const int HangulBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TrailBase = 0x11A7;
    private const int Leads = 19, Vowels = 21, Trails = 28, Syllables = Leads * Vowels * Trails;

    /// <summary>Whether the form can change nothing in this text, found without decomposing it: below U+00A0 (composed: U+0300) nothing changes.</summary>
    public static bool IsTriviallyDone(ReadOnlySpan<char> text, NormalizationKind kind) =>
        !text.ContainsAnyExceptInRange('\0', kind == NormalizationKind.Nfc ? '\u02FF' : '\u009F');

    /// <summary>The normalized text as changes to the given one, in its order.</summary>
    public static List<Change> Apply(ReadOnlySpan<char> text, NormalizationKind kind)
    {
        List<Change> decomposed = Decompose(text, kind is NormalizationKind.Nfkd or NormalizationKind.Nfkc);
        return kind is NormalizationKind.Nfc or NormalizationKind.Nfkc ? Compose(decomposed) : decomposed;
    }

    private static List<Change> Decompose(ReadOnlySpan<char> text, bool compatible)
    {
        var output = new List<Change>(text.Length + (text.Length >> 3));
        int settled = 0; // from here on the marks still wait for their order
        for (int at = 0; at < text.Length;)
        {
            int codePoint = CodePoints.At(text, at, out int length);
            at += length;
            if (codePoint - HangulBase is >= 0 and < Syllables)
            {
                int index = codePoint - HangulBase;
                Add(output, ref settled, new Change(LeadBase + index / (Vowels * Trails), 0));
                Add(output, ref settled, new Change(VowelBase + index % (Vowels * Trails) / Trails, 1));
                if (index % Trails != 0)
                    Add(output, ref settled, new Change(TrailBase + index % Trails, 1));
                continue;
            }

            ReadOnlySpan<int> parts = UnicodeTables.Decomposition(codePoint, compatible);
            if (parts.IsEmpty)
            {
                Add(output, ref settled, new Change(codePoint, 0));
                continue;
            }

            for (int i = 0; i < parts.Length; i++)
                Add(output, ref settled, new Change(parts[i], i == 0 ? 0 : 1));
        }

        Settle(output, settled);
        return output;
    }

    private static void Add(List<Change> output, ref int settled, Change change)
    {
        bool starter = UnicodeTables.CombiningClass(change.CodePoint) == 0;
        if (starter)
            Settle(output, settled);
        output.Add(change);
        if (starter)
            settled = output.Count;
    }

    // Canonical order: stable by class. Runs of marks are short in honest text; a long one (Zalgo) must not cost a square.
    private static void Settle(List<Change> output, int from)
    {
        int count = output.Count - from;
        if (count < 2)
            return;
        Change[] run = [.. output.GetRange(from, count).OrderBy(change => UnicodeTables.CombiningClass(change.CodePoint))];
        for (int i = 0; i < count; i++)
            output[from + i] = run[i];
    }

    // UAX #15, "canonical composition": a mark joins the last starter unless one of the same or a higher class stands between.
    private static List<Change> Compose(List<Change> decomposed)
    {
        var output = new List<Change>(decomposed.Count);
        int starter = -1;
        int lastClass = -1; // of the mark kept last after the starter; -1: none
        foreach (Change change in decomposed)
        {
            int combining = UnicodeTables.CombiningClass(change.CodePoint);
            if (starter >= 0 && (lastClass < combining || lastClass == -1))
            {
                int composed = ComposePair(output[starter].CodePoint, change.CodePoint);
                if (composed >= 0)
                {
                    output[starter] = new Change(composed, output[starter].Delta + change.Delta - 1);
                    continue;
                }
            }

            if (combining == 0)
            {
                starter = output.Count;
                lastClass = -1;
            }
            else
            {
                lastClass = combining;
            }

            output.Add(change);
        }

        return output;
    }

    private static int ComposePair(int first, int second)
    {
        if (first - LeadBase is >= 0 and < Leads && second - VowelBase is >= 0 and < Vowels)
            return HangulBase + ((first - LeadBase) * Vowels + (second - VowelBase)) * Trails;
        if (first - HangulBase is >= 0 and < Syllables && (first - HangulBase) % Trails == 0 && second - TrailBase is > 0 and < Trails)
            return first + (second - TrailBase);
        return UnicodeTables.Compose(first, second);
    }
}
