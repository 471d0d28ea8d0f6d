using System.Runtime.InteropServices;

namespace Fairlead.Engine.Generation;

/// <summary>Log-probabilities of one row of scores as the model gave them.</summary>
internal static class TokenLogprobs
{
    // OpenAI's figure for "not to be expected at all"; JSON knows no −∞.
    private const float Least = -9999;

    /// <summary>What an answer says of <paramref name="token"/> and of the <paramref name="top"/> best ones.</summary>
    /// <param name="raw">The model's scores, unchanged; finite.</param>
    public static AnswerToken Describe(ReadOnlySpan<float> raw, int token, int top, SamplerScratch scratch)
    {
        float max = Scores.Max(raw);
        if (!float.IsFinite(max))
            throw new NoTokenException("the model's scores are not numbers");
        double logSum = max + Math.Log(Scores.Exponentials(raw, max, 1, scratch.Weights.AsSpan(0, raw.Length)));
        if (top == 0)
            return new AnswerToken(token, Logprob(raw[token], logSum), []);
        var best = new TokenLogprob[Scores.Largest(raw, top, scratch.Keys)];
        for (int i = 0; i < best.Length; i++)
        {
            int id = Scores.Token(scratch.Keys[i]);
            best[i] = new TokenLogprob(id, Logprob(raw[id], logSum));
        }

        return new AnswerToken(token, Logprob(raw[token], logSum), ImmutableCollectionsMarshal.AsImmutableArray(best));
    }

    private static float Logprob(float score, double logSum) => Math.Max(Least, (float)(score - logSum));
}
