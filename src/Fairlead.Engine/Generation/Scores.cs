using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Generation;

/// <summary>What has to be known of one row of scores: the best, the sum of the exponentials, the k largest in order.</summary>
/// <remarks>Always 256 bits wide, emulated where a CPU has less: a sum that depended on the width of the machine would choose other tokens there.</remarks>
internal static class Scores
{
    /// <summary>The largest score; NaN if there is one among them. Scores of −∞ are tokens that may not be chosen.</summary>
    public static float Max(ReadOnlySpan<float> scores)
    {
        ReadOnlySpan<Vector256<float>> wide = MemoryMarshal.Cast<float, Vector256<float>>(scores);
        Vector256<float> best = Vector256.Create(float.NegativeInfinity);
        foreach (Vector256<float> lane in wide)
            best = Vector256.Max(best, lane); // IEEE 754-2019 maximum: a NaN wins
        float max = float.NegativeInfinity;
        for (int i = 0; i < Vector256<float>.Count; i++)
            max = MathF.Max(max, best[i]);
        foreach (float score in scores[(wide.Length * Vector256<float>.Count)..])
            max = MathF.Max(max, score);
        return max;
    }

    /// <summary>The token of the largest score, the lowest id of equal ones; −1 where none is finite and <see cref="Max"/> is NaN or −∞.</summary>
    public static int Best(ReadOnlySpan<float> scores)
    {
        float max = Max(scores);
        return float.IsFinite(max) ? scores.IndexOf(max) : -1;
    }

    /// <summary>Writes <c>e^((score − max) · scale)</c> of each score and gives their sum, which is at least 1.</summary>
    public static double Exponentials(ReadOnlySpan<float> scores, float max, float scale, Span<float> weights)
    {
        const int Run = 128; // vectors whose single-precision sums are small enough to be right to about 1e-6 before they are added in double
        ReadOnlySpan<Vector256<float>> from = MemoryMarshal.Cast<float, Vector256<float>>(scores);
        Span<Vector256<float>> to = MemoryMarshal.Cast<float, Vector256<float>>(weights);
        double sum = 0;
        for (int first = 0; first < from.Length; first += Run)
        {
            Vector256<float> partial = Vector256<float>.Zero;
            for (int i = first; i < Math.Min(from.Length, first + Run); i++)
                partial += to[i] = Vector256.Exp((from[i] - Vector256.Create(max)) * scale);
            sum += Vector256.Sum(partial);
        }

        for (int i = from.Length * Vector256<float>.Count; i < scores.Length; i++)
            sum += weights[i] = MathF.Exp((scores[i] - max) * scale);
        return sum;
    }

    /// <summary>A score and its token as one number that sorts the best first and, of equal scores, the lowest id.</summary>
    public static ulong Key(float score, int token)
    {
        uint bits = BitConverter.SingleToUInt32Bits(score + 0f); // −0 and 0 are the same score
        uint ascending = (int)bits < 0 ? ~bits : bits | 0x8000_0000;
        return ((ulong)~ascending << 32) | (uint)token;
    }

    /// <summary>The token in a key.</summary>
    public static int Token(ulong key) => (int)(uint)key;

    /// <summary>Puts the keys of the <paramref name="count"/> best scores into <paramref name="keys"/>, best first; tokens of score −∞ are left out. Gives how many there are.</summary>
    /// <remarks>A heap whose root is the worst key kept. Nearly every score of a long row is worse, which eight at a time find out in one comparison.</remarks>
    public static int Largest(ReadOnlySpan<float> scores, int count, Span<ulong> keys)
    {
        int kept = 0;
        float worst = float.NegativeInfinity; // of those kept, once there are enough; an equal score with a higher id is not better
        for (int first = 0; first < scores.Length; first += Vector256<float>.Count)
        {
            ReadOnlySpan<float> run = scores.Slice(first, Math.Min(Vector256<float>.Count, scores.Length - first));
            if (run.Length == Vector256<float>.Count && !Vector256.GreaterThanAny(Vector256.Create(run), Vector256.Create(worst)))
                continue;
            for (int i = 0; i < run.Length; i++)
            {
                if (!(run[i] > worst))
                    continue;
                if (kept < count)
                {
                    keys[kept++] = Key(run[i], first + i);
                    if (kept < count)
                        continue;
                    Heapify(keys[..kept]);
                }
                else
                {
                    keys[0] = Key(run[i], first + i);
                    Sink(keys[..kept], 0);
                }

                worst = scores[Token(keys[0])];
            }
        }

        keys[..kept].Sort();
        return kept;
    }

    private static void Heapify(Span<ulong> keys)
    {
        for (int at = (keys.Length / 2) - 1; at >= 0; at--)
            Sink(keys, at);
    }

    private static void Sink(Span<ulong> keys, int at)
    {
        ulong sinking = keys[at];
        for (int child = (2 * at) + 1; child < keys.Length; child = (2 * at) + 1)
        {
            if (child + 1 < keys.Length && keys[child + 1] > keys[child])
                child++;
            if (keys[child] <= sinking)
                break;
            keys[at] = keys[child];
            at = child;
        }

        keys[at] = sinking;
    }
}
