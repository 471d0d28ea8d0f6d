using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Kernels.Attending;

/// <summary>Puts one position's keys and values into the cache in its form, and tells what stands there.</summary>
internal static unsafe class KvNumbers
{
    private const int Positions = KvCache.BlockPositions;

    /// <summary>The bits of the infinite single; above them is what is no number.</summary>
    private const int Infinity = 0x7f800000;

    /// <summary>Below this, 127 / largest would overflow: such a group is zeros.</summary>
    private const float LeastScaled = 1e-30f;

    /// <summary>127 times this is still finite: what is read of the cache never is anything else.</summary>
    private const float LargestScale = 2.6793e36f;

    /// <param name="keys"><c>[heads × keyDimension]</c>, no longer than <see cref="Attention.LongestHead"/> each.</param>
    /// <param name="values"><c>[heads × valueDimension]</c>, likewise.</param>
    [SkipLocalsInit]
    internal static void Write(KvCache cache, int layer, int block, int place, float* keys, float* values)
    {
        KvLayout layout = cache.Layout;
        float* clean = stackalloc float[Attention.LongestHead];
        bool sound = true;
        for (int head = 0; head < cache.Heads; head++, keys += cache.KeyDimension, values += cache.ValueDimension)
        {
            byte* at = cache.Head(layer, block, head);
            float* key = Sound(keys, cache.KeyDimension, clean, ref sound);
            Write(layout.Type, key, cache.KeyDimension, at, Positions, place, at + layout.KeyScales, place);
            float* value = Sound(values, cache.ValueDimension, clean, ref sound);
            Write(layout.Type, value, cache.ValueDimension, at + layout.Values, 1, place * layout.ValueWidth, at + layout.ValueScales, place);
        }

        cache.SetSound(layer, block, place, sound);
    }

    /// <summary>Number <paramref name="index"/> of the key of a place.</summary>
    internal static float Key(in KvLayout layout, byte* head, int place, int index) =>
        Read(layout.Type, head, (index * Positions) + place, head + layout.KeyScales, index, place);

    /// <summary>Number <paramref name="index"/> of the value of a place.</summary>
    internal static float Value(in KvLayout layout, byte* head, int place, int index) =>
        Read(layout.Type, head + layout.Values, (place * layout.ValueWidth) + index, head + layout.ValueScales, index, place);

    /// <summary>The numbers themselves, or a copy with zeros in place of what is no number or infinite.</summary>
    private static float* Sound(float* numbers, int count, float* clean, ref bool sound)
    {
        // Their bits are larger than those of every finite number.
        int i = 0, worst = 0;
        Vector256<int> largest = default, magnitude = Vector256.Create(int.MaxValue);
        for (; i + Vector256<int>.Count <= count; i += Vector256<int>.Count)
            largest = Vector256.Max(largest, Vector256.Load((int*)numbers + i) & magnitude);
        for (; i < count; i++)
            worst = Math.Max(worst, BitConverter.SingleToInt32Bits(numbers[i]) & int.MaxValue);
        if (worst < Infinity && Vector256.LessThanAll(largest, Vector256.Create(Infinity)))
            return numbers;
        sound = false;
        for (i = 0; i < count; i++)
            clean[i] = float.IsFinite(numbers[i]) ? numbers[i] : 0;
        return clean;
    }

    [SkipLocalsInit]
    private static void Write(KvType type, float* numbers, int count, byte* to, int step, int first, byte* scales, int place)
    {
        switch (type)
        {
            case KvType.F32:
                for (int i = 0; i < count; i++)
                    ((float*)to)[first + (i * step)] = numbers[i];
                break;
            case KvType.F16:
                ushort* codes = stackalloc ushort[Attention.LongestHead];
                HalfCode.Encode(numbers, count, codes);
                for (int i = 0; i < count; i++)
                    ((ushort*)to)[first + (i * step)] = codes[i];
                break;
            default:
                for (int start = 0; start < count; start += KvLayout.Group)
                {
                    int length = Math.Min(KvLayout.Group, count - start);
                    ((float*)scales)[(start / KvLayout.Group * Positions) + place] = Quantise(numbers + start, length, (sbyte*)to + first + (start * step), step);
                }

                break;
        }
    }

    /// <summary>Writes bytes and gives their scale.</summary>
    private static float Quantise(float* numbers, int count, sbyte* to, int step)
    {
        float largest = 0;
        for (int i = 0; i < count; i++)
            largest = Math.Max(largest, Math.Abs(numbers[i]));
        float inverse = largest < LeastScaled ? 0 : 127 / largest;
        for (int i = 0; i < count; i++)
            to[i * step] = (sbyte)(int)MathF.Round(numbers[i] * inverse);
        return inverse == 0 ? 0 : Math.Min(largest / 127, LargestScale);
    }

    private static float Read(KvType type, byte* numbers, int at, byte* scales, int index, int place) => type switch
    {
        KvType.F32 => ((float*)numbers)[at],
        KvType.F16 => HalfCode.Decode(((ushort*)numbers)[at]),
        _ => ((sbyte*)numbers)[at] * ((float*)scales)[(index / KvLayout.Group * Positions) + place],
    };
}
