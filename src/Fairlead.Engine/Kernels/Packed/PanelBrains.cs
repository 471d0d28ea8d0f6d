using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Panels of the integer forms as brain floats: each weight, scale and all, rounded to the nearest (ties away from zero).</summary>
/// <remarks>
/// A value of at most eight bits is put behind the bits of 2^4 or 2^8, so that it is a single without a conversion; what that adds is taken off again where it is scaled:
/// (256 + u) · s − 384 · s is (u − 128) · s, rounded once, for s has at most 19 significant bits. Where a form has minimums it is taken off before. A pair of a tile is inputs r and r + 16 of a
/// group, which is a byte of row q and the same byte of row q + 4, or the two nibbles of one byte.
/// <para><see cref="Machine.BrainExpanding"/> does the same while tiles are multiplied, bit for bit.</para>
/// </remarks>
internal static unsafe class PanelBrains
{
    /// <summary>The bits of 256, and where the eight bits behind them are.</summary>
    public const uint ByteBase = 0x43800000, ByteBits = 0x007f8000;

    /// <summary>The bits of 16, and where the four bits behind them are.</summary>
    public const uint NibbleBase = 0x41800000, NibbleBits = 0x00780000;

    /// <summary>What a signed byte that is zero is behind its base, its sign turned.</summary>
    public const float ByteZero = 384;

    /// <summary>What a nibble that stands for zero (<see cref="PackedFormat.Four"/>) is behind its base.</summary>
    public const float NibbleZero = 24;

    /// <summary>What a nibble's base adds.</summary>
    public const float NibbleAdded = 16;

    /// <summary>Turns the signs of four bytes.</summary>
    public const uint Signs = 0x80808080;

    /// <summary>Added to a single's bits it rounds them to the nearest of their upper half, <see cref="Upper"/>.</summary>
    public const uint Half = 0x8000, Upper = 0xffff0000;

    /// <summary>Writes groups of 32 inputs as <see cref="PackedFormat.BrainTiles"/>.</summary>
    /// <param name="format">An integer form.</param>
    /// <param name="values">Of the first group.</param>
    /// <param name="lines">Of the first group, see <see cref="PanelLines"/>.</param>
    /// <param name="tiles">1,024 bytes for each group.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Expand(PackedFormat format, byte* values, float* lines, int groups, byte* tiles)
    {
        sbyte* bytes = stackalloc sbyte[512];
        byte* end = tiles + ((long)groups * BrainTile.Bytes);
        switch (format)
        {
            case PackedFormat.Eight:
                for (; tiles < end; values += 512, lines += PanelLines.Singles, tiles += BrainTile.Bytes)
                    Bytes(values, Signs, new Plain(lines), new Plain(lines), tiles);
                break;
            case PackedFormat.Four:
                for (; tiles < end; values += 256, lines += PanelLines.Singles, tiles += BrainTile.Bytes)
                    Nibbles(values, new Plain(lines), tiles);
                break;
            case PackedFormat.FourWithMinimum:
                for (; tiles < end; values += 256, lines += PanelLines.Singles, tiles += BrainTile.Bytes)
                    Nibbles(values, new WithMinimum(lines, -NibbleAdded), tiles);
                break;
            case PackedFormat.FiveWithMinimum:
                for (; tiles < end; values += 320, lines += PanelLines.Singles, tiles += BrainTile.Bytes)
                {
                    PanelValues.Expand(format, values, PackedLayout.GroupInputs, bytes);
                    Bytes((byte*)bytes, 0, new WithMinimum(lines, -256), new WithMinimum(lines, -256), tiles);
                }

                break;
            case PackedFormat.Six:
                for (; tiles < end; values += 384, lines += 2 * PanelLines.Singles, tiles += BrainTile.Bytes)
                {
                    PanelValues.Expand(format, values, PackedLayout.GroupInputs, bytes);
                    Bytes((byte*)bytes, Signs, new Plain(lines), new Plain(lines + PanelLines.Singles), tiles);
                }

                break;
            default: throw new ArgumentOutOfRangeException(nameof(format), format, "no integer form");
        }
    }

    /// <summary>Eight rows of bytes, of which <paramref name="flip"/> makes numbers without a sign.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Bytes<L>(byte* rows, uint flip, L first, L second, byte* tile)
        where L : struct, ILine
    {
        Vector512<uint> bits = Vector512.Create(ByteBits), behind = Vector512.Create(ByteBase), sign = Vector512.Create(flip);
        for (int row = 0; row < 4; row++, tile += 256)
        {
            Ask(rows + (row * 64) + WeightPrefetch.Ahead);
            Ask(rows + ((row + 4) * 64) + WeightPrefetch.Ahead);
            Vector512<uint> a = Vector512.Load((uint*)(rows + (row * 64))) ^ sign, b = Vector512.Load((uint*)(rows + ((row + 4) * 64))) ^ sign;
            Pair(first.Of(((a << 15) & bits) | behind), second.Of(((b << 15) & bits) | behind), tile);
            Pair(first.Of(((a << 7) & bits) | behind), second.Of(((b << 7) & bits) | behind), tile + 64);
            Pair(first.Of(((a >>> 1) & bits) | behind), second.Of(((b >>> 1) & bits) | behind), tile + 128);
            Pair(first.Of(((a >>> 9) & bits) | behind), second.Of(((b >>> 9) & bits) | behind), tile + 192);
        }
    }

    /// <summary>Four rows of nibbles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Nibbles<L>(byte* rows, L line, byte* tile)
        where L : struct, ILine
    {
        Vector512<uint> bits = Vector512.Create(NibbleBits), behind = Vector512.Create(NibbleBase);
        for (int row = 0; row < 4; row++, tile += 256)
        {
            Ask(rows + (row * 64) + WeightPrefetch.Ahead);
            Vector512<uint> both = Vector512.Load((uint*)(rows + (row * 64)));
            Pair(line.Of(((both << 19) & bits) | behind), line.Of(((both << 15) & bits) | behind), tile);
            Pair(line.Of(((both << 11) & bits) | behind), line.Of(((both << 7) & bits) | behind), tile + 64);
            Pair(line.Of(((both << 3) & bits) | behind), line.Of(((both >>> 1) & bits) | behind), tile + 128);
            Pair(line.Of(((both >>> 5) & bits) | behind), line.Of(((both >>> 9) & bits) | behind), tile + 192);
        }
    }

    /// <summary>Asks for a line of a panel: it is read once, from memory. Nothing happens where there is no such line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Ask(byte* line)
    {
        if (Sse.IsSupported)
            Sse.Prefetch1(line);
    }

    /// <summary>Two singles as brain floats side by side, the first in the lower half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pair(Vector512<float> first, Vector512<float> second, byte* to)
    {
        Vector512<uint> half = Vector512.Create(Half);
        Vector512<uint> lower = Vector512.ShiftRightLogical(first.AsUInt32() + half, 16), upper = (second.AsUInt32() + half) & Vector512.Create(Upper);
        (lower | upper).Store((uint*)to);
    }

    /// <summary>From a value behind its base to a weight.</summary>
    private interface ILine
    {
        Vector512<float> Of(Vector512<uint> value);
    }

    /// <summary>scale · value + offset.</summary>
    private readonly struct Plain(float* line) : ILine
    {
        private readonly Vector512<float> _scale = Vector512.Load(line);
        private readonly Vector512<float> _offset = Vector512.Load(line + PackedLayout.PanelOutputs);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Of(Vector512<uint> value) => Vector512.FusedMultiplyAdd(value.AsSingle(), _scale, _offset);
    }

    /// <summary>scale · (value + added) + offset: what the base added is taken off first, exactly.</summary>
    private readonly struct WithMinimum(float* line, float added) : ILine
    {
        private readonly Vector512<float> _scale = Vector512.Load(line);
        private readonly Vector512<float> _offset = Vector512.Load(line + PackedLayout.PanelOutputs);
        private readonly Vector512<float> _added = Vector512.Create(added);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Of(Vector512<uint> value) => Vector512.FusedMultiplyAdd(value.AsSingle() + _added, _scale, _offset);
    }
}
