using System.Runtime.CompilerServices;

namespace Fairlead.Engine.Generation;

/// <summary>Philox4x32-10: chance as a function of a key and a counter, with no state that others could move.</summary>
/// <remarks>
/// J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw: "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), §3.3. Because the number drawn
/// for the n-th token of a choice depends on (seed, choice, n) alone, a text stays the same whatever else is in the batch, and a sequence
/// that was put back and read again goes on as if nothing had happened.
/// </remarks>
internal static class Philox
{
    /// <summary>The four words for this counter under this key.</summary>
    public static (uint A, uint B, uint C, uint D) Block(uint a, uint b, uint c, uint d, uint key0, uint key1)
    {
        for (int round = 0; round < 10; round++)
        {
            ulong first = 0xD2511F53UL * a, second = 0xCD9E8D57UL * c;
            (a, b, c, d) = ((uint)(second >> 32) ^ b ^ key0, (uint)second, (uint)(first >> 32) ^ d ^ key1, (uint)first);
            key0 += 0x9E3779B9; // the golden ratio and √3 − 1, as the paper has them
            key1 += 0xBB67AE85;
        }

        return (a, b, c, d);
    }

    /// <summary>A number in [0, 1) with 53 random bits for the token at <paramref name="position"/> of an answer's <paramref name="choice"/>.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static double Unit(ulong seed, int choice, int position)
    {
        (uint a, uint b, _, _) = Block((uint)position, (uint)choice, 0, 0, (uint)seed, (uint)(seed >> 32));
        return (((ulong)a << 21) ^ (b >> 11)) * (1.0 / (1UL << 53));
    }
}
