using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Layers;

/// <summary>How one layer's attention differs from plain scaled dot products.</summary>
internal sealed record AttentionSettings
{
    /// <summary>Length of a query, key and value.</summary>
    public required int HeadDimension { get; init; }

    /// <summary>Factor on the scores.</summary>
    public required float Scale { get; init; }

    /// <summary>Scores are bent into ± this by a hyperbolic tangent; 0 for none.</summary>
    public float Cap { get; init; }

    /// <summary>Positions a row sees, its own included; 0 for all before it.</summary>
    public int Window { get; init; }

    /// <summary>Norms take all heads of a row together, not each by itself.</summary>
    public bool NormWholeRow { get; init; }

    /// <summary>Scores fall with distance by a slope per head.</summary>
    public bool Alibi { get; init; }
}

/// <summary>Attention of each row to its own sequence: earlier rows by their keys and values in the cache, this step's among them.</summary>
internal sealed unsafe class Attention : IDisposable
{
    private readonly AttentionSettings _settings;
    private readonly QkvWeights _weights;
    private readonly Linear[] _projections;
    private readonly Linear _output;
    private readonly Norm? _queryNorm;
    private readonly Norm? _keyNorm;
    private readonly Rope? _rope;
    private readonly float[] _slopes;
    private readonly int _layer;

    /// <summary>Over weights that stay where they are.</summary>
    /// <param name="layer">Which of the cache's layers is this one's.</param>
    /// <param name="rope">Turns queries and keys; null for a layer without. Belongs to the decoder.</param>
    public Attention(QkvWeights qkv, LinearWeights output, Norm? queryNorm, Norm? keyNorm, AttentionSettings settings, Rope? rope, int layer)
    {
        (_weights, _settings, _rope, _layer, _queryNorm, _keyNorm) = (qkv, settings, rope, layer, queryNorm, keyNorm);
        _projections = [.. qkv.Projections.Select(projection => new Linear(projection))];
        _output = new Linear(output);
        _slopes = settings.Alibi ? Slopes(qkv.Queries.Length) : new float[qkv.Queries.Length];
    }

    /// <summary>Values per row that the projections of <paramref name="weights"/> and the heads' answers take.</summary>
    public static int RoomPerRow(QkvWeights weights, int headDimension) =>
        checked(weights.Projections.Sum(projection => projection.Outputs) + (weights.Queries.Length * headDimension));

    /// <summary><paramref name="input"/> and <paramref name="output"/>: <c>[rows × width]</c>, not overlapping. Adds the rows' keys and values to the cache.</summary>
    /// <param name="room"><c>rows</c> times <see cref="RoomPerRow"/>.</param>
    public void Forward(float* input, float* output, StepTable step, KvCache cache, float* room)
    {
        int rows = step.Rows, dimension = _settings.HeadDimension, heads = _weights.Queries.Length, kvHeads = _weights.Keys.Length;
        float** planes = stackalloc float*[_projections.Length];
        for (int i = 0; i < _projections.Length; i++)
        {
            planes[i] = room;
            room += (long)rows * _projections[i].Outputs;
            _projections[i].Forward(input, planes[i], rows);
        }

        if (_settings.NormWholeRow)
        {
            _queryNorm?.Forward(planes[0], planes[0], rows, _projections[0].Outputs);
            _keyNorm?.Forward(planes[1], planes[1], rows, _projections[1].Outputs);
        }

        // Every key of the step is in its place before any row looks: rows of one sequence see each other.
        for (int row = 0; row < rows; row++)
        {
            (int block, int place) = step.PlaceOf(row);
            for (int head = 0; head < kvHeads; head++)
            {
                float* key = HeadOf(planes, _weights.Keys[head], row);
                Prepare(row, key, _keyNorm);
                float* keys = cache.Keys(_layer, block, head) + place;
                for (int i = 0; i < dimension; i++)
                    keys[i * KvCache.BlockPositions] = key[i];
                new ReadOnlySpan<float>(HeadOf(planes, _weights.Values[head], row), dimension)
                    .CopyTo(new Span<float>(cache.Values(_layer, block, head) + (place * dimension), dimension));
            }
        }

        for (int row = 0; row < rows; row++)
        {
            int last = step.PositionOf(row), first = _settings.Window == 0 ? 0 : Math.Max(0, last - _settings.Window + 1);
            for (int head = 0; head < heads; head++)
            {
                float* query = HeadOf(planes, _weights.Queries[head], row);
                Prepare(row, query, _queryNorm);
                Attend(query, cache, head / (heads / kvHeads), step.BlocksOf(row), first, last, _slopes[head], room + ((((long)row * heads) + head) * dimension));
            }
        }

        _output.Forward(room, output, rows);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Linear projection in _projections)
            projection.Dispose();
        _output.Dispose();
        _queryNorm?.Dispose();
        _keyNorm?.Dispose();
    }

    /// <summary>The slopes of ALiBi (Press et al. 2022): a geometric series over the heads, with every other member of a finer one where their number is no power of two.</summary>
    internal static float[] Slopes(int heads)
    {
        int power = 1 << (int)Math.Log2(heads);
        var slopes = new float[heads];
        for (int head = 0; head < heads; head++)
        {
            slopes[head] = (float)(head < power
                ? Math.Pow(2, -8.0 * (head + 1) / power)
                : Math.Pow(2, -4.0 * ((2 * (head - power)) + 1) / power));
        }

        return slopes;
    }

    private void Prepare(int row, float* head, Norm? norm)
    {
        if (!_settings.NormWholeRow)
            norm?.Forward(head, head, 1, 0);
        _rope?.Turn(row, head);
    }

    private float* HeadOf(float** planes, HeadPlace place, int row) =>
        planes[place.Projection] + ((long)row * _projections[place.Projection].Outputs) + place.Offset;

    /// <summary>One head of one row over its blocks, with a running maximum, so that any number of positions needs no room for their scores.</summary>
    private void Attend(float* query, KvCache cache, int kvHead, int* blocks, int first, int last, float slope, float* answer)
    {
        int dimension = _settings.HeadDimension;
        new Span<float>(answer, dimension).Clear();
        double highest = double.NegativeInfinity, sum = 0;
        float* scores = stackalloc float[KvCache.BlockPositions];
        for (int index = first / KvCache.BlockPositions; index <= last / KvCache.BlockPositions; index++)
        {
            float* keys = cache.Keys(_layer, blocks[index], kvHead), values = cache.Values(_layer, blocks[index], kvHead);
            int start = index * KvCache.BlockPositions, from = Math.Max(first - start, 0), to = Math.Min(last - start, KvCache.BlockPositions - 1);
            double blockHighest = double.NegativeInfinity;
            for (int place = from; place <= to; place++)
            {
                double dot = 0;
                for (int i = 0; i < dimension; i++)
                    dot += (double)query[i] * keys[(i * KvCache.BlockPositions) + place];
                double score = dot * _settings.Scale;
                if (_settings.Cap != 0)
                    score = _settings.Cap * Math.Tanh(score / _settings.Cap);
                scores[place] = (float)(score + (slope * (start + place - last)));
                blockHighest = Math.Max(blockHighest, scores[place]);
            }

            double before = highest;
            highest = Math.Max(highest, blockHighest);
            if (highest > before && sum > 0)
            {
                double shrink = Math.Exp(before - highest);
                sum *= shrink;
                for (int i = 0; i < dimension; i++)
                    answer[i] *= (float)shrink;
            }

            for (int place = from; place <= to; place++)
            {
                double weight = Math.Exp(scores[place] - highest);
                sum += weight;
                for (int i = 0; i < dimension; i++)
                    answer[i] += (float)weight * values[(place * dimension) + i];
            }
        }

        for (int i = 0; i < dimension; i++)
            answer[i] = (float)(answer[i] / sum);
    }
}
