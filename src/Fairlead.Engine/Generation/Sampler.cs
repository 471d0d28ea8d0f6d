using System.Collections.Immutable;
using System.Numerics;
using Fairlead.Engine.Constraints;

namespace Fairlead.Engine.Generation;

/// <summary>Chooses the next token of one choice of one request, and remembers what the penalties must know.</summary>
/// <remarks>
/// In this order, each as its source defines it:
/// <list type="number">
/// <item>logit bias is added (OpenAI; transformers' sequence bias stands first as well);</item>
/// <item>repetition penalty, over prompt and answer: a positive score is divided, a negative one multiplied (transformers'
/// <c>RepetitionPenaltyLogitsProcessor</c>, after CTRL, arXiv 1909.05858);</item>
/// <item>frequency and presence penalty, over the answer only: <c>score − count · frequency − (count &gt; 0) · presence</c> (OpenAI);</item>
/// <item>end tokens are forbidden while the answer is shorter than its minimum (transformers' <c>MinNewTokensLength</c>) or its constraint is not met;</item>
/// <item>tokens that the constraint does not allow are forbidden. Without chance the best token is tried first, which mostly needs no mask; with
/// chance the mask comes before the draw. Where one token is left, it is taken;</item>
/// <item>temperature, top-k, top-p, min-p, in transformers' order: top-p sums over what top-k left, min-p compares with the best.</item>
/// </list>
/// Of equal scores the lower id counts as the better one, so top-k keeps exactly k where transformers keeps all that tie for the last place.
/// The draw is <see cref="Philox"/> of seed, choice and place in the answer. Choosing allocates nothing.
/// </remarks>
internal sealed class Sampler
{
    private readonly SamplingSettings _settings;
    private readonly ImmutableArray<int> _endTokens;
    private readonly ulong _seed;
    private readonly int _choice;
    private readonly TokenCounts? _counts;

    /// <param name="settings">Without <see cref="SamplingSettings.Fault"/>.</param>
    /// <param name="endTokens">Tokens that end an answer.</param>
    /// <param name="seed">The chance of the request.</param>
    /// <param name="choice">Which of the request's answers this is: they share the seed and not the chance.</param>
    /// <param name="prompt">What stands before the answer.</param>
    /// <param name="maxTokens">Longest the answer can become.</param>
    public Sampler(SamplingSettings settings, ImmutableArray<int> endTokens, ulong seed, int choice, ReadOnlySpan<int> prompt, int maxTokens)
    {
        (_settings, _endTokens, _seed, _choice) = (settings, endTokens, seed, choice);
        bool repetition = settings.RepetitionPenalty != 1;
        if (!repetition && settings.FrequencyPenalty == 0 && settings.PresencePenalty == 0)
            return;
        _counts = new TokenCounts(maxTokens + (repetition ? prompt.Length : 0));
        if (repetition)
        {
            foreach (int token in prompt)
                _counts.Add(token, inAnswer: false);
        }
    }

    private bool IsGreedy => _settings.Temperature < SamplingSettings.Greedy;

    /// <summary>Tokens chosen so far, which is the place in the answer of the next one.</summary>
    public int Chosen { get; private set; }

    /// <summary>The next token. <paramref name="scores"/> is the model's row for it and is used up.</summary>
    /// <param name="mayEnd">False while an end token must not be chosen.</param>
    /// <param name="constraint">What the answer must look like; takes the token that is chosen, unless that is an end token.</param>
    /// <exception cref="NoTokenException">The scores are not numbers, or none is left that may be chosen.</exception>
    public int Choose(Span<float> scores, SamplerScratch scratch, bool mayEnd, TokenConstraint? constraint = null)
    {
        Adjust(scores);
        mayEnd &= constraint?.MayEnd != false;
        if (!mayEnd)
        {
            foreach (int end in _endTokens)
                scores[end] = float.NegativeInfinity;
        }

        int token = constraint is null ? Pick(scores, scratch) : PickWithin(constraint, scores, scratch, mayEnd);
        _counts?.Add(token, inAnswer: true);
        Chosen++;
        return token;
    }

    private int PickWithin(TokenConstraint constraint, Span<float> scores, SamplerScratch scratch, bool mayEnd)
    {
        if (IsGreedy)
        {
            int best = Pick(scores, scratch);
            if (_endTokens.Contains(best) || constraint.TryAccept(best))
                return best;
        }

        Forbid(constraint, scores, scratch, mayEnd);
        int token = Pick(scores, scratch);
        if (!_endTokens.Contains(token) && !constraint.TryAccept(token))
            throw new NoTokenException($"the constraint allows token {token} and then refuses it");
        return token;
    }

    private int Pick(ReadOnlySpan<float> scores, SamplerScratch scratch)
    {
        float best = Scores.Max(scores);
        if (!float.IsFinite(best))
            throw new NoTokenException(best == float.NegativeInfinity ? "no token may stand here" : "the model's scores are not numbers");
        return IsGreedy ? scores.IndexOf(best) : Draw(scores, best, scratch);
    }

    private void Forbid(TokenConstraint constraint, Span<float> scores, SamplerScratch scratch, bool mayEnd)
    {
        Span<ulong> mask = scratch.Mask;
        constraint.Allowed(mask);
        foreach (int end in _endTokens)
            mask[end / 64] = mayEnd ? mask[end / 64] | (1UL << (end % 64)) : mask[end / 64] & ~(1UL << (end % 64));
        for (int word = 0; word < mask.Length; word++)
        {
            Span<float> run = scores.Slice(word * 64, Math.Min(64, scores.Length - (word * 64)));
            if (mask[word] == 0)
            {
                run.Fill(float.NegativeInfinity);
                continue;
            }

            for (ulong forbidden = ~mask[word]; forbidden != 0; forbidden &= forbidden - 1)
            {
                int token = BitOperations.TrailingZeroCount(forbidden);
                if (token < run.Length)
                    run[token] = float.NegativeInfinity;
            }
        }
    }

    private void Adjust(Span<float> scores)
    {
        if (!_settings.LogitBias.IsDefaultOrEmpty)
        {
            foreach ((int token, float bias) in _settings.LogitBias)
                scores[token] += bias;
        }

        if (_counts is null)
            return;
        float repetition = _settings.RepetitionPenalty;
        ReadOnlySpan<int> tokens = _counts.Tokens, inAnswer = _counts.InAnswer;
        for (int i = 0; i < tokens.Length; i++)
        {
            ref float score = ref scores[tokens[i]];
            score = score < 0 ? score * repetition : score / repetition;
            if (inAnswer[i] > 0)
                score -= (inAnswer[i] * _settings.FrequencyPenalty) + _settings.PresencePenalty;
        }
    }

    private int Draw(ReadOnlySpan<float> scores, float best, SamplerScratch scratch)
    {
        double chance = Philox.Unit(_seed, _choice, Chosen);
        float scale = 1 / _settings.Temperature;
        Span<float> weights = scratch.Weights.AsSpan(0, scores.Length);
        if (_settings.TopK > 0 && _settings.TopK < scores.Length)
            return DrawFromBest(scores, best, scale, chance, weights, scratch.Keys);
        double total = Scores.Exponentials(scores, best, scale, weights);
        if (_settings.TopP < 1 || _settings.MinP > 0)
            total = Trim(scores, weights, total, scratch);
        return Walk(weights, chance * total);
    }

    /// <summary>With top-k: the candidates in order, and how far top-p and min-p go among them.</summary>
    private int DrawFromBest(ReadOnlySpan<float> scores, float best, float scale, double chance, Span<float> weights, Span<ulong> keys)
    {
        int candidates = Scores.Largest(scores, _settings.TopK, keys), kept = 0;
        double total = 0, sum = 0;
        for (int i = 0; i < candidates; i++)
            total += weights[i] = MathF.Exp((scores[Scores.Token(keys[i])] - best) * scale);
        for (; kept < candidates; kept++)
        {
            bool enough = _settings.TopP < 1 && sum >= _settings.TopP * total;
            if (kept > 0 && (enough || weights[kept] < _settings.MinP))
                break;
            sum += weights[kept];
        }

        return Scores.Token(keys[Walk(weights[..kept], chance * sum)]);
    }

    /// <summary>Sets to zero what top-p and min-p leave out, and gives the sum of the rest. No order is needed for that but of the few around the last one kept.</summary>
    private double Trim(ReadOnlySpan<float> scores, Span<float> weights, double total, SamplerScratch scratch)
    {
        (int bucket, ulong last) = _settings.TopP < 1 ? LastOfTopP(scores, weights, total, scratch) : (0, ulong.MaxValue);
        double left = 0;
        for (int token = 0; token < weights.Length; token++)
        {
            int at = Bucket(weights[token]);
            if (at < bucket || weights[token] < _settings.MinP || (at == bucket && Scores.Key(scores[token], token) > last))
                weights[token] = 0;
            else
                left += weights[token];
        }

        return left;
    }

    /// <summary>The last token that top-p keeps: its bucket and its key.</summary>
    private (int Bucket, ulong Key) LastOfTopP(ReadOnlySpan<float> scores, ReadOnlySpan<float> weights, double total, SamplerScratch scratch)
    {
        double[] sums = scratch.BucketSums;
        Array.Clear(sums);
        foreach (float weight in weights)
            sums[Bucket(weight)] += weight;
        double enough = _settings.TopP * total, sum = 0;
        int bucket = sums.Length - 1;
        while (bucket > 0 && sum + sums[bucket] < enough)
            sum += sums[bucket--];

        Span<ulong> keys = scratch.Keys;
        int count = 0;
        for (int token = 0; token < weights.Length; token++)
        {
            if (Bucket(weights[token]) == bucket && weights[token] > 0)
                keys[count++] = Scores.Key(scores[token], token);
        }

        keys[..count].Sort();
        for (int i = 0; i < count; i++)
        {
            sum += weights[Scores.Token(keys[i])];
            if (sum >= enough)
                return (bucket, keys[i]);
        }

        return (bucket, ulong.MaxValue);
    }

    /// <summary>A weight of 0…1 by its exponent and the first seven bits behind its point: within a bucket they differ by less than 1/128.</summary>
    private static int Bucket(float weight) => (int)(BitConverter.SingleToUInt32Bits(weight) >> 16);

    /// <summary>Index of the weight in which the running sum passes <paramref name="target"/>; the last weight above zero where rounding lets none.</summary>
    private static int Walk(ReadOnlySpan<float> weights, double target)
    {
        double sum = 0;
        int last = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            if (weights[i] <= 0)
                continue;
            sum += weights[i];
            if (sum > target)
                return i;
            last = i;
        }

        return last;
    }
}

/// <summary>Room for choosing from one vocabulary, used for one choice after the other by one thread.</summary>
internal sealed class SamplerScratch(int vocabularySize)
{
    /// <summary>Bytes that such room takes.</summary>
    public static long BytesFor(int vocabularySize) => (vocabularySize * (long)(sizeof(float) + sizeof(ulong))) + (vocabularySize / 8) + (128 << 10);

    /// <summary><c>[vocabulary]</c></summary>
    public float[] Weights { get; } = new float[vocabularySize];

    /// <summary><c>[vocabulary]</c></summary>
    public ulong[] Keys { get; } = new ulong[vocabularySize];

    /// <summary>Sums of the weights of 0…1 that share their upper 16 bits.</summary>
    public double[] BucketSums { get; } = new double[(int)(BitConverter.SingleToUInt32Bits(1f) >> 16) + 1];

    /// <summary>One bit a token.</summary>
    public ulong[] Mask { get; } = new ulong[(vocabularySize + 63) / 64];
}

/// <summary>There is no token to go on with; the request it happened to fails with this message, the others go on.</summary>
internal sealed class NoTokenException(string message) : Exception(message);
