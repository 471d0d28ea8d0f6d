using System.Numerics;
using System.Text;
using Fairlead.Engine.Constraints;

namespace Fairlead.Engine.Tests.Constraints;

/// <summary>Answers of a model without any sense: at each place any of the allowed tokens, until a length from which it heads for the end.</summary>
internal static class Answers
{
    /// <summary>An answer longer than this has no end in sight, which is a failure of the steering or of the constraint.</summary>
    private const int MaxTokens = 3_000;

    /// <summary>The text of one answer. <paramref name="visit"/> sees the constraint before each token.</summary>
    public static string Random(TokenConstraint constraint, TokenTrie trie, Random random, int length, Action<TokenConstraint, ulong[]>? visit = null)
    {
        var text = new MemoryStream();
        ulong[] mask = new ulong[trie.MaskLength];
        for (int count = 0; !constraint.MustEnd; count++)
        {
            if (count == MaxTokens)
                throw new InvalidOperationException($"no end after {MaxTokens} tokens: {Encoding.UTF8.GetString(text.ToArray())[..200]}…");
            constraint.Allowed(mask);
            visit?.Invoke(constraint, mask);
            int token = count < length ? AnyOf(mask, random) : TowardsTheEnd(constraint, trie, mask, random);
            if (token < 0)
                throw new InvalidOperationException($"nothing may follow: {Encoding.UTF8.GetString(text.ToArray())}");
            if (!constraint.TryAccept(token))
                throw new InvalidOperationException($"token {token} is in the mask and not accepted after {Encoding.UTF8.GetString(text.ToArray())}");
            text.Write(trie.BytesOf(token));
        }

        // Strict: an answer that is no UTF-8 fails here.
        return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(text.ToArray());
    }

    private static int AnyOf(ulong[] mask, Random random)
    {
        int allowed = mask.Sum(static word => BitOperations.PopCount(word));
        if (allowed == 0)
            return -1;
        int skip = random.Next(allowed);
        for (int word = 0; ; word++)
        {
            int here = BitOperations.PopCount(mask[word]);
            if (skip >= here)
            {
                skip -= here;
                continue;
            }

            ulong bits = mask[word];
            for (; skip > 0; skip--)
                bits &= bits - 1;
            return (word * 64) + BitOperations.TrailingZeroCount(bits);
        }
    }

    private static int TowardsTheEnd(TokenConstraint constraint, TokenTrie trie, ulong[] mask, Random random)
    {
        if (constraint.MayEnd)
            return Vocabularies.EndToken(trie);
        int best = -1;
        long least = long.MaxValue;
        int seen = 0;
        // The single bytes always suffice to reach the end; a few others make it less dull.
        foreach (int token in Enumerable.Range(0, 256).Concat(Enumerable.Range(0, 16).Select(_ => AnyOf(mask, random))))
        {
            if (token < 0 || (mask[token >> 6] >> (token & 63) & 1) == 0)
                continue;
            TokenConstraint fork = constraint.Fork();
            if (!fork.TryAccept(token))
                continue;
            long left = fork.LeastBytesToEnd;
            seen = left == least ? seen + 1 : 1;
            if (left < least || (left == least && random.Next(seen) == 0))
                (best, least) = (token, left);
        }

        return best;
    }
}
