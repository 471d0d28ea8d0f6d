using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels;

/// <summary>Applies an <see cref="Activation"/> to values, and to the gate of a gated feed-forward layer.</summary>
/// <remarks>Within 1e-6 · max(1, |x|) of the exact function; infinite and no numbers go through the formula as they would in PyTorch.</remarks>
public static unsafe class Activations
{
    /// <summary>The function that <c>hidden_act</c> and its kin in a config.json name; false for a name that is none of them.</summary>
    public static bool TryParse(string name, out Activation activation)
    {
        (bool known, activation) = name switch
        {
            "silu" or "swish" => (true, Activation.Silu),
            "gelu" => (true, Activation.Gelu),
            "gelu_new" or "gelu_pytorch_tanh" or "gelu_fast" => (true, Activation.GeluTanh),
            "quick_gelu" => (true, Activation.QuickGelu),
            "relu" => (true, Activation.Relu),
            "relu2" => (true, Activation.SquaredRelu),
            "tanh" => (true, Activation.Tanh),
            "sigmoid" => (true, Activation.Sigmoid),
            _ => (false, default(Activation)),
        };
        return known;
    }

    /// <summary><c>values[i] = f(values[i])</c>.</summary>
    public static void Apply(Activation activation, float* values, long count) => Gate(activation, values, null, values, count);

    /// <summary><c>output[i] = f(gate[i]) · up[i]</c>; without <paramref name="up"/>, f(gate[i]) alone. Output may be either input.</summary>
    public static void Gate(Activation activation, float* gate, float* up, float* output, long count)
    {
        switch (Simd.Family)
        {
            case SimdFamily.Vector512: Gate<Lanes16, Vector512<float>>(activation, gate, up, output, count); break;
            case SimdFamily.Vector256: Gate<Lanes8, Vector256<float>>(activation, gate, up, output, count); break;
            case SimdFamily.Vector128: Gate<Lanes4, Vector128<float>>(activation, gate, up, output, count); break;
            default: Gate<Lanes1, float>(activation, gate, up, output, count); break;
        }
    }

    /// <summary><c>values[i] = cap · tanh(values[i] / cap)</c>: Gemma 2 bounds its logits like this.</summary>
    public static void SoftCap(float cap, float* values, long count)
    {
        switch (Simd.Family)
        {
            case SimdFamily.Vector512: SoftCap<Lanes16, Vector512<float>>(cap, values, count); break;
            case SimdFamily.Vector256: SoftCap<Lanes8, Vector256<float>>(cap, values, count); break;
            case SimdFamily.Vector128: SoftCap<Lanes4, Vector128<float>>(cap, values, count); break;
            default: SoftCap<Lanes1, float>(cap, values, count); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gate<L, V>(Activation activation, float* gate, float* up, float* output, long count)
        where L : struct, ILanes<V>
        where V : struct
    {
        long i = 0;
        for (; i + L.Count <= count; i += L.Count)
        {
            V value = Of<L, V>(activation, L.Load(gate + i));
            L.Store(up is null ? value : L.Multiply(value, L.Load(up + i)), output + i);
        }

        for (; i < count; i++)
        {
            float value = Of<Lanes1, float>(activation, gate[i]);
            output[i] = up is null ? value : value * up[i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SoftCap<L, V>(float cap, float* values, long count)
        where L : struct, ILanes<V>
        where V : struct
    {
        long i = 0;
        for (; i + L.Count <= count; i += L.Count)
            L.Store(LaneMath.SoftCap<L, V>(L.Load(values + i), L.Create(cap)), values + i);
        for (; i < count; i++)
            values[i] = LaneMath.SoftCap<Lanes1, float>(values[i], cap);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Of<L, V>(Activation activation, V x)
        where L : struct, ILanes<V>
        where V : struct
    {
        V zero = L.Create(0f), half = L.Create(0.5f), one = L.Create(1f);
        switch (activation)
        {
            case Activation.Silu:
                return L.Divide(x, L.Add(one, LaneMath.Exp<L, V>(L.Subtract(zero, x))));
            case Activation.Gelu:
                return L.Multiply(L.Multiply(x, half), L.Add(one, LaneMath.Erf<L, V>(L.Multiply(x, L.Create(0.70710678f)))));
            case Activation.GeluTanh:
                V cubic = L.MultiplyAdd(L.Multiply(L.Multiply(x, x), x), L.Create(0.044715f), x);
                return L.Multiply(L.Multiply(x, half), L.Add(one, LaneMath.Tanh<L, V>(L.Multiply(cubic, L.Create(0.79788456f)))));
            case Activation.QuickGelu:
                return L.Divide(x, L.Add(one, LaneMath.Exp<L, V>(L.Multiply(x, L.Create(-1.702f)))));
            case Activation.Relu:
                return L.IfLess(x, zero, zero, x);
            case Activation.SquaredRelu:
                V positive = L.IfLess(x, zero, zero, x);
                return L.Multiply(positive, positive);
            case Activation.Tanh:
                return LaneMath.Tanh<L, V>(x);
            case Activation.Sigmoid:
                return LaneMath.Sigmoid<L, V>(x);
            default:
                throw new ArgumentOutOfRangeException(nameof(activation), activation, "no such activation");
        }
    }
}
