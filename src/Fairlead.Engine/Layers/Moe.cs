using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Layers;

/// <summary>Experts: a router sends each row to the few that it scores highest, and their answers are added by weight (Shazeer et al. 2017).</summary>
/// <remarks>
/// Rows are gathered by expert, so that each expert's weights are read once a step. A row's answers are added in the order of the experts'
/// numbers, so its sum does not depend on which other rows there are.
/// </remarks>
internal sealed unsafe class Moe : IDisposable
{
    private readonly Linear _router;
    private readonly Mlp[] _experts;
    private readonly Mlp? _shared;
    private readonly Linear? _sharedGate;
    private readonly int _perToken;
    private readonly bool _normalised;
    private readonly int _width;

    /// <summary>Over weights that stay where they are.</summary>
    /// <param name="perToken">Experts a row is sent to.</param>
    /// <param name="normalised">Scale the weights of the chosen to the sum 1.</param>
    public Moe(MoeWeights weights, Activation activation, int perToken, bool normalised)
    {
        _router = new Linear(weights.Router);
        _experts = [.. weights.Experts.Select(expert => new Mlp(expert, activation))];
        _shared = weights.Shared is { } shared ? new Mlp(shared, activation) : null;
        _sharedGate = weights.SharedGate is { } gate ? new Linear(gate) : null;
        (_perToken, _normalised, _width) = (perToken, normalised, _router.Inputs);
    }

    /// <summary><paramref name="input"/> and <paramref name="output"/>: <c>[rows × width]</c>, not overlapping.</summary>
    /// <param name="mlpRoom">Room of the widest <see cref="Mlp"/>.</param>
    public void Forward(float* input, float* output, int rows, float* mlpRoom, MoeRoom room)
    {
        int experts = _experts.Length;
        float* scores = room.Scores.Data;
        _router.Forward(input, scores, rows);
        for (int row = 0; row < rows; row++)
            Choose(scores + ((long)row * experts));

        float* gathered = room.Gathered.Data, answers = room.Answers.Data;
        new Span<float>(output, rows * _width).Clear();
        for (int expert = 0; expert < experts; expert++)
        {
            int count = 0;
            for (int row = 0; row < rows; row++)
            {
                if (scores[((long)row * experts) + expert] > 0)
                    RowOf(input, row).CopyTo(RowOf(gathered, count++));
            }

            if (count == 0)
                continue;
            _experts[expert].Forward(gathered, answers, count, mlpRoom);
            for (int row = 0, at = 0; row < rows; row++)
            {
                float weight = scores[((long)row * experts) + expert];
                if (weight > 0)
                    Add(RowOf(output, row), RowOf(answers, at++), weight);
            }
        }

        if (_shared is null)
            return;
        _shared.Forward(input, answers, rows, mlpRoom);
        _sharedGate?.Forward(input, scores, rows);
        for (int row = 0; row < rows; row++)
            Add(RowOf(output, row), RowOf(answers, row), _sharedGate is null ? 1 : (float)(1 / (1 + Math.Exp(-scores[row]))));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _router.Dispose();
        foreach (Mlp expert in _experts)
            expert.Dispose();
        _shared?.Dispose();
        _sharedGate?.Dispose();
    }

    /// <summary>Turns a row of router logits into the weights of the chosen experts and zeros.</summary>
    private void Choose(float* scores)
    {
        int experts = _experts.Length;
        double highest = double.NegativeInfinity, sum = 0;
        for (int i = 0; i < experts; i++)
            highest = Math.Max(highest, scores[i]);
        for (int i = 0; i < experts; i++)
            sum += Math.Exp(scores[i] - highest);
        for (int i = 0; i < experts; i++)
            scores[i] = (float)(Math.Exp(scores[i] - highest) / sum);

        // The chosen are marked by their sign; of equals the lower number wins.
        double chosen = 0;
        for (int round = 0; round < _perToken; round++)
        {
            int best = -1;
            for (int i = 0; i < experts; i++)
            {
                if (scores[i] >= 0 && (best < 0 || scores[i] > scores[best]))
                    best = i;
            }

            if (best < 0)
                break;
            chosen += scores[best];
            scores[best] = -scores[best];
        }

        for (int i = 0; i < experts; i++)
            scores[i] = scores[i] < 0 ? (_normalised ? (float)(-scores[i] / chosen) : -scores[i]) : 0;
    }

    private Span<float> RowOf(float* rows, int row) => new(rows + ((long)row * _width), _width);

    private static void Add(Span<float> sum, ReadOnlySpan<float> row, float weight)
    {
        for (int i = 0; i < sum.Length; i++)
            sum[i] += row[i] * weight;
    }
}

/// <summary>What a layer of experts needs beside its output, shared by all layers of a model.</summary>
internal sealed class MoeRoom(int rows, int width, int experts) : IDisposable
{
    /// <summary>The router's: <c>[rows × experts]</c>.</summary>
    public NativeBuffer<float> Scores { get; } = new((long)rows * experts);

    /// <summary>Rows that go to one expert.</summary>
    public NativeBuffer<float> Gathered { get; } = new((long)rows * width);

    /// <summary>What it makes of them.</summary>
    public NativeBuffer<float> Answers { get; } = new((long)rows * width);

    /// <inheritdoc/>
    public void Dispose()
    {
        Scores.Dispose();
        Gathered.Dispose();
        Answers.Dispose();
    }
}
