using Fairlead.Engine.Kernels;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Layers;

/// <summary>The feed-forward layer: down(act(gate(x)) · up(x)), or down(act(up(x))) without a gate.</summary>
internal sealed unsafe class Mlp : IDisposable
{
    private readonly Activation _activation;
    private readonly Linear? _gate;
    private readonly Linear _up;
    private readonly Linear _down;

    /// <summary>Over weights that stay where they are.</summary>
    public Mlp(MlpWeights weights, Activation activation, PackedWeights packs)
    {
        _activation = activation;
        _gate = weights.Gate is { } gate ? new Linear(gate, packs) : null;
        _up = new Linear(weights.Up, packs);
        _down = new Linear(weights.Down, packs);
    }

    /// <summary><paramref name="input"/> and <paramref name="output"/>: <c>[rows × width]</c>, not overlapping.</summary>
    /// <param name="room">Two times <c>[rows × feed-forward width]</c>, overwritten.</param>
    public void Forward(float* input, float* output, int rows, float* room, WorkCrew? crew)
    {
        long count = (long)rows * _up.Outputs;
        float* inner = room, other = room + count;
        if (_gate is null)
        {
            _up.Forward(input, inner, rows, crew);
            RowCrew.Run(rows, _up.Outputs, new Activate(_activation, inner, null, _up.Outputs), crew);
        }
        else
        {
            Linear.Forward(input, rows, crew, new(_gate, inner), new(_up, other));
            RowCrew.Run(rows, _up.Outputs, new Activate(_activation, inner, other, _up.Outputs), crew);
        }

        _down.Forward(inner, output, rows, crew);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _gate?.Dispose();
        _up.Dispose();
        _down.Dispose();
    }

    private readonly struct Activate(Activation activation, float* gate, float* up, int width) : IRowWork
    {
        public void Do(int first, int end)
        {
            long from = (long)first * width, count = (long)(end - first) * width;
            Activations.Gate(activation, gate + from, up is null ? null : up + from, gate + from, count);
        }
    }
}
