using System.Collections.Immutable;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Attending;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Layers;

/// <summary>Attention of each row to its own sequence: earlier rows by their keys and values in the cache, this step's among them.</summary>
internal sealed unsafe class Attention : IDisposable
{
    /// <summary>What a row counts for where turning and remembering is shared out: a part is up to a block of 16 positions, for those lie in the same cache lines.</summary>
    private const int RememberedWidth = 256;

    private readonly AttentionShape _shape;
    private readonly Linear[] _projections;
    private readonly ImmutableArray<int> _order;
    private readonly Linear _output;
    private readonly Norm? _queryNorm;
    private readonly Norm? _keyNorm;
    private readonly Rope? _rope;
    private readonly NativeBuffer<float>? _slopes;
    private readonly int _layer;
    private readonly PackedWeights _packs;

    /// <summary>Over weights that stay where they are.</summary>
    /// <param name="queryNorm">Of the width of a head, or of all heads together; null for none. Belongs to this layer from here on, as does <paramref name="keyNorm"/>.</param>
    /// <param name="rope">Turns queries and keys; null for a layer without. Belongs to the decoder.</param>
    /// <param name="alibi">Scores fall with distance by a slope per head.</param>
    /// <param name="layer">Which of the cache's layers is this one's.</param>
    public Attention(QkvWeights qkv, LinearWeights output, Norm? queryNorm, Norm? keyNorm, AttentionShape shape, Rope? rope, bool alibi, int layer, PackedWeights packs)
    {
        (_shape, _order, _rope, _layer, _queryNorm, _keyNorm, _packs) = (shape, qkv.Order, rope, layer, queryNorm, keyNorm, packs);
        _projections = [.. qkv.Projections.Select(projection => new Linear(projection, packs))];
        _output = new Linear(output, packs);
        if (alibi)
        {
            _slopes = new NativeBuffer<float>(shape.Heads);
            Slopes(_slopes.Slice(0, shape.Heads));
        }
    }

    /// <summary>Values that <see cref="Forward"/> needs for each row beside its input and output.</summary>
    public static int RoomPerRow(QkvWeights weights, int heads, int kvHeads, int dimension) =>
        checked(((heads + (2 * kvHeads)) * dimension) + Math.Max(heads * dimension, weights.Projections[0].Outputs));

    /// <summary><paramref name="input"/> and <paramref name="output"/>: <c>[rows × width]</c>, not overlapping. Adds the rows' keys and values to the cache.</summary>
    /// <param name="room"><c>rows</c> times <see cref="RoomPerRow"/>, overwritten.</param>
    /// <param name="pieces">Lets threads share a long text of few rows.</param>
    /// <param name="prompts">Not null where a row's bits depend on its phase (<see cref="PackedWeights.DependsOnPhase"/>): prompts are then read by tiles.</param>
    public void Forward(float* input, float* output, ReadOnlySpan<StepRow> rows, KvCache cache, float* room, AttentionRoom pieces, PromptRoom? prompts, WorkCrew? crew)
    {
        int heads = _shape.Heads, kvHeads = _shape.KvHeads, dimension = _shape.KeyDimension;
        float* queries = room, keys = queries + ((long)rows.Length * heads * dimension), values = keys + ((long)rows.Length * kvHeads * dimension);
        float* rest = values + ((long)rows.Length * kvHeads * dimension);
        if (_order.IsEmpty)
        {
            Linear.Forward(input, rows.Length, crew, new(_projections[0], queries), new(_projections[1], keys), new(_projections[2], values));
        }
        else
        {
            _projections[0].Forward(input, rest, rows.Length, crew);
            PutInOrder(rest, queries, keys, values, rows.Length);
        }

        _queryNorm?.Forward(queries, queries, rows.Length * heads * dimension / _queryNorm.Width);
        _keyNorm?.Forward(keys, keys, rows.Length * kvHeads * dimension / _keyNorm.Width);

        // Every key of the step is in its place before any row looks: rows of one sequence see each other.
        RowCrew.Run(rows.Length, RememberedWidth, new Turned(this, rows, cache, queries, keys, values), crew);

        float* slopes = _slopes is null ? null : _slopes.Data;
        if (prompts is not null && _packs.Phase == Phase.Prefill)
            Kernels.Attention.Prompt(rows, queries, cache, _layer, _shape, slopes, rest, prompts, crew);
        else
            Kernels.Attention.Causal(rows, queries, cache, _layer, _shape, slopes, rest, crew, pieces);
        _output.Forward(rest, output, rows.Length, crew);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Linear projection in _projections)
            projection.Dispose();
        _output.Dispose();
        _queryNorm?.Dispose();
        _keyNorm?.Dispose();
        _slopes?.Dispose();
    }

    /// <summary>
    /// The slopes of ALiBi (Press et al. 2022) for as many heads as there is room: a geometric series over the largest power of two, and for the
    /// heads beyond it every other member of one twice as fine.
    /// </summary>
    internal static void Slopes(Span<float> slopes)
    {
        int power = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)slopes.Length + 1) / 2;
        for (int head = 0; head < slopes.Length; head++)
            slopes[head] = (float)Math.Pow(2, head < power ? -8.0 * (head + 1) / power : -4.0 * ((2 * (head - power)) + 1) / power);
    }

    private void PutInOrder(float* fused, float* queries, float* keys, float* values, int rows)
    {
        int dimension = _shape.KeyDimension, width = _projections[0].Outputs, heads = _shape.Heads, kvHeads = _shape.KvHeads;
        for (int row = 0; row < rows; row++, fused += width)
        {
            for (int i = 0; i < _order.Length; i++)
            {
                float* to = i < heads ? queries + ((((long)row * heads) + i) * dimension)
                    : i < heads + kvHeads ? keys + ((((long)row * kvHeads) + i - heads) * dimension)
                    : values + ((((long)row * kvHeads) + i - heads - kvHeads) * dimension);
                new ReadOnlySpan<float>(fused + _order[i], dimension).CopyTo(new Span<float>(to, dimension));
            }
        }
    }

    /// <summary>Queries and keys of some rows get their positions, and keys and values go to the cache.</summary>
    private readonly ref struct Turned(Attention layer, ReadOnlySpan<StepRow> rows, KvCache cache, float* queries, float* keys, float* values) : IRowWork
    {
        private readonly ReadOnlySpan<StepRow> _rows = rows;

        public void Do(int first, int end)
        {
            (int heads, int kvHeads, int dimension) = (layer._shape.Heads, layer._shape.KvHeads, layer._shape.KeyDimension);
            for (int row = first; row < end; row++)
            {
                float* query = queries + ((long)row * heads * dimension), key = keys + ((long)row * kvHeads * dimension);
                layer._rope?.Turn(row, query, heads, dimension);
                layer._rope?.Turn(row, key, kvHeads, dimension);
                Kernels.Attention.Remember(cache, layer._layer, _rows[row].Sequence, _rows[row].Position, key, values + ((long)row * kvHeads * dimension));
            }
        }
    }
}
