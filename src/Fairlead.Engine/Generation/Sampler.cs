using System.Collections.Immutable;

namespace Fairlead.Engine.Generation;

/// <summary>Chooses the next token of one choice of one request, and remembers what the penalties must know.</summary>
/// <remarks>
/// In this order, each as its source defines it:
/// <list type="number">
/// <item>logit bias is added (OpenAI; transformers' sequence bias stands first as well);</item>
/// <item>repetition penalty, over prompt and answer: a positive score is divided, a negative one multiplied (transformers'
/// <c>RepetitionPenaltyLogitsProcessor</c>, after CTRL, arXiv 1909.05858);</item>
/// <item>frequency and presence penalty, over the answer only: <c>score − count · frequency − (count &gt; 0) · presence</c> (OpenAI);</item>
/// <item>end tokens are forbidden while the answer is shorter than its minimum (transformers' <c>MinNewTokensLength</c>);</item>
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

    /// <summary>Tokens chosen so far, which is the place in the answer of the next one.</summary>
    public int Chosen { get; private set; }

    /// <summary>The next token. <paramref name="scores"/> is the model's row for it and is used up.</summary>
    /// <param name="mayEnd">False while an end token must not be chosen.</param>
    /// <exception cref="NoTokenException">The scores are not numbers, or none is left that may be chosen.</exception>
    public int Choose(Span<float> scores, SamplerScratch scratch, bool mayEnd)
    {
        Adjust(scores);
        if (!mayEnd)
        {
            foreach (int end in _endTokens)
                scores[end] = float.NegativeInfinity;
        }

        float best = Scores.Max(scores);
        if (!float.IsFinite(best))
            throw new NoTokenException(best == float.NegativeInfinity ? "no token may stand here" : "the model's scores are not numbers");
        int token = _settings.Temperature < SamplingSettings.Greedy ? scores.IndexOf(best) : Draw(scores, best, scratch);
        _counts?.Add(token, inAnswer: true);
        Chosen++;
        return token;
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
        bool fewest = _settings.TopK > 0 && _settings.TopK < scores.Length;
        if (!fewest && _settings.TopP >= 1 && _settings.MinP <= 0)
        {
            double all = Scores.Exponentials(scores, best, scale, weights);
            return Walk(weights, chance * all);
        }

        // Candidates, best first; their weights stand in the same order in front of `weights`.
        Span<ulong> keys = scratch.Keys.AsSpan(0, scores.Length);
        double total;
        int candidates;
        if (fewest)
        {
            candidates = Scores.Largest(scores, _settings.TopK, keys);
            total = 0;
            for (int i = 0; i < candidates; i++)
                total += weights[i] = MathF.Exp((scores[Scores.Token(keys[i])] - best) * scale);
        }
        else
        {
            total = Scores.Exponentials(scores, best, scale, weights);
            candidates = Gather(scores, weights, total, keys);
            for (int i = 0; i < candidates; i++)
                scratch.Sorted[i] = weights[Scores.Token(keys[i])];
            weights = scratch.Sorted;
        }

        double sum = 0;
        int kept = 0;
        for (; kept < candidates; kept++)
        {
            bool enough = _settings.TopP < 1 && sum >= _settings.TopP * total;
            if (kept > 0 && (enough || weights[kept] < _settings.MinP))
                break;
            sum += weights[kept];
        }

        return Scores.Token(keys[Walk(weights[..kept], chance * sum)]);
    }

    /// <summary>Keys of the tokens that top-p and min-p can keep at all, in order: sorting a whole vocabulary for a handful of tokens would cost more than a small model's step.</summary>
    private int Gather(ReadOnlySpan<float> scores, ReadOnlySpan<float> weights, double total, Span<ulong> keys)
    {
        // Tokens below (1 − p) / V of the total have less than 1 − p of it together, so the sum reaches p without them. Half: for rounding.
        float floor = (float)Math.Max(_settings.MinP, (1 - _settings.TopP) * total / scores.Length / 2);
        int count = 0;
        for (int token = 0; token < scores.Length; token++)
        {
            if (weights[token] >= floor && scores[token] != float.NegativeInfinity)
                keys[count++] = Scores.Key(scores[token], token);
        }

        keys[..count].Sort();
        return count;
    }

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
    /// <summary><c>[vocabulary]</c></summary>
    public float[] Weights { get; } = new float[vocabularySize];

    /// <summary><c>[vocabulary]</c></summary>
    public float[] Sorted { get; } = new float[vocabularySize];

    /// <summary><c>[vocabulary]</c></summary>
    public ulong[] Keys { get; } = new ulong[vocabularySize];
}

/// <summary>There is no token to go on with; the request it happened to fails with this message, the others go on.</summary>
internal sealed class NoTokenException(string message) : Exception(message);
