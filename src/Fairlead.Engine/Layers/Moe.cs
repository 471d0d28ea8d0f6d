using Fairlead.Engine.Kernels;
using Fairlead.Engine.Loading;
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
    public Moe(MoeWeights weights, Activation activation, int perToken, bool normalised, PackedWeights packs)
    {
        _router = new Linear(weights.Router, packs);
        _experts = [.. weights.Experts.Select(expert => new Mlp(expert, activation, packs))];
        _shared = weights.Shared is { } shared ? new Mlp(shared, activation, packs) : null;
        _sharedGate = weights.SharedGate is { } gate ? new Linear(gate, packs) : null;
        (_perToken, _normalised, _width) = (perToken, normalised, _router.Inputs);
    }

    /// <summary><paramref name="input"/> and <paramref name="output"/>: <c>[rows × width]</c>, not overlapping.</summary>
    /// <param name="mlpRoom">Room of the widest <see cref="Mlp"/>.</param>
    public void Forward(float* input, float* output, int rows, float* mlpRoom, MoeRoom room, WorkCrew? crew)
    {
        int experts = _experts.Length;
        float* scores = room.Scores.Data;
        _router.Forward(input, scores, rows, crew);
        Softmax.Apply(scores, rows, experts);
        for (int row = 0; row < rows; row++)
            Choose(new Span<float>(scores + ((long)row * experts), experts));

        float* gathered = room.Gathered.Data, answers = room.Answers.Data;
        new Span<float>(output, rows * _width).Clear();
        for (int expert = 0; expert < experts; expert++)
        {
            int count = 0;
            for (int row = 0; row < rows; row++)
            {
                if (scores[((long)row * experts) + expert] != 0)
                    RowOf(input, row).CopyTo(RowOf(gathered, count++));
            }

            if (count == 0)
                continue;
            _experts[expert].Forward(gathered, answers, count, mlpRoom, crew);
            for (int row = 0, at = 0; row < rows; row++)
            {
                float weight = scores[((long)row * experts) + expert];
                if (weight != 0)
                    Elementwise.AddScaled(output + ((long)row * _width), answers + ((long)at++ * _width), weight, _width);
            }
        }

        if (_shared is null)
            return;
        _shared.Forward(input, answers, rows, mlpRoom, crew);
        if (_sharedGate is null)
        {
            Elementwise.Add(output, answers, (long)rows * _width);
            return;
        }

        _sharedGate.Forward(input, scores, rows, crew);
        Activations.Apply(Activation.Sigmoid, scores, rows);
        for (int row = 0; row < rows; row++)
            Elementwise.AddScaled(output + ((long)row * _width), answers + ((long)row * _width), scores[row], _width);
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

    /// <summary>Turns a row of the router's probabilities into the weights of the chosen experts and zeros.</summary>
    private void Choose(Span<float> scores)
    {
        // The chosen are marked by their sign; of equals the lower number wins.
        float chosen = 0;
        for (int round = 0; round < _perToken; round++)
        {
            int best = -1;
            for (int i = 0; i < scores.Length; i++)
            {
                if (scores[i] > 0 && (best < 0 || scores[i] > scores[best]))
                    best = i;
            }

            if (best < 0)
                break;
            chosen += scores[best];
            scores[best] = -scores[best];
        }

        foreach (ref float score in scores)
            score = score < 0 ? -score / (_normalised ? chosen : 1) : float.IsNaN(score) ? score : 0;
    }

    private Span<float> RowOf(float* rows, int row) => new(rows + ((long)row * _width), _width);
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
