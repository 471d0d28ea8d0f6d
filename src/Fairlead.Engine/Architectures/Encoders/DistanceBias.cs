using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Architectures.Encoders;

/// <summary>The learned numbers that MPNet adds to attention scores by the distance of two tokens: near distances one by one, far ones in buckets that grow with the logarithm.</summary>
/// <remarks>Bucketing after T5 (Raffel et al. 2020): half of the buckets for each direction, half of those exact, the rest up to a distance of 128.</remarks>
internal sealed unsafe class DistanceBias
{
    private const int Farthest = 128; // fixed in the reference

    private readonly float[] _table;
    private readonly int _buckets;
    private readonly int _heads;

    /// <summary>Decodes <paramref name="table"/> <c>[buckets × heads]</c>.</summary>
    public DistanceBias(TensorView table)
    {
        (_buckets, _heads) = (table.Rows, table.Columns);
        _table = new float[_buckets * _heads];
        for (int i = 0; i < _buckets; i++)
            Dequantize.Row(table.Type, table.Data + (i * table.RowBytes), _table.AsSpan(i * _heads, _heads));
    }

    /// <summary>Writes <c>[heads × tokens × tokens]</c> (query, then key) for a text of that many tokens.</summary>
    public void Fill(float* bias, int tokens)
    {
        for (int distance = 1 - tokens; distance < tokens; distance++)
        {
            int bucket = Bucket(distance);
            for (int head = 0; head < _heads; head++)
            {
                // everything along one diagonal is at the same distance
                float value = _table[(bucket * _heads) + head];
                float* matrix = bias + ((long)head * tokens * tokens);
                for (int query = Math.Max(0, -distance); query < Math.Min(tokens, tokens - distance); query++)
                    matrix[((long)query * tokens) + query + distance] = value;
            }
        }
    }

    /// <summary>The bucket of a key that stands <paramref name="distance"/> tokens after the query.</summary>
    internal int Bucket(int distance)
    {
        int side = _buckets / 2, exact = side / 2, far = Math.Abs(distance), first = distance > 0 ? side : 0;
        if (far < exact)
            return first + far;

        // in single precision, as the reference computes it: on the border of two buckets the rounding decides
        float steps = MathF.Log((float)far / exact) / (float)Math.Log((double)Farthest / exact) * (side - exact);
        return first + Math.Min(exact + (int)steps, side - 1);
    }
}
