namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Forms in which a matrix of weights is kept for multiplying. A number is never given to another form.</summary>
/// <remarks>
/// All of them cut a matrix <c>[outputs × inputs]</c> into panels of 16 outputs, the last one filled up with zeros, so that one broadcast activation
/// serves a whole vector and no sum runs across one. A panel begins at a multiple of 64 bytes and holds first what scales its values, for all its
/// inputs, and then the values; <see cref="PackedLayout"/> has the sizes.
/// <para>
/// In the integer forms 32 inputs are a group. A group of 8-bit values is eight rows of 64 bytes: row r holds inputs 4r … 4r + 3 of output 0, then of
/// output 1, to output 15 (what VNNI and AMX call a tile of bytes). Nibbles lie in four such rows: the lower one belongs to row r, the upper one to
/// row r + 4.
/// </para>
/// </remarks>
public enum PackedFormat
{
    /// <summary>Q8_0. Scales: for each group 16 halves. Values: for each group 512 bytes, signed.</summary>
    Eight = 1,

    /// <summary>Q4_0. Scales: for each group 16 halves. Values: for each group 256 bytes of nibbles; a nibble q stands for q − 8.</summary>
    Four = 2,

    /// <summary>
    /// Q4_K. Scales: for each 256 inputs 16 halves d, 16 halves m, then for each of eight groups 16 bytes a, then for each of eight groups 16 bytes b
    /// (320 bytes). Values: for each group 256 bytes of nibbles. A nibble q stands for d·a·q − m·b.
    /// </summary>
    FourWithMinimum = 3,

    /// <summary>Q5_K. As <see cref="FourWithMinimum"/>; behind a group's nibbles eight words of 64 bits, one for each row: bit i is the fifth bit of the row's byte i.</summary>
    FiveWithMinimum = 4,

    /// <summary>
    /// Q6_K. Scales: for each 256 inputs 16 halves d, then for each 16 inputs 16 signed bytes a (288 bytes; the whole part is filled up to 64). Values: for
    /// each group 256 bytes of nibbles, then two rows of 64 bytes: bits 2i and 2i + 1 of row r belong to row r + 2i. The six bits q stand for d·a·(q − 32).
    /// </summary>
    Six = 5,

    /// <summary>F32 for vectors: for each input 16 singles.</summary>
    Single = 16,

    /// <summary>F16 for vectors: for each input 16 halves.</summary>
    Half = 17,

    /// <summary>BF16 for vectors: for each input 16 brain floats.</summary>
    Brain = 18,

    /// <summary>
    /// BF16 for tiles: for each 32 inputs (the last filled up with zeros) 16 rows of 64 bytes, row r holding inputs r and r + 16 of output 0, then of output 1, …
    /// </summary>
    BrainTiles = 19,

    /// <summary>F32 for tiles: as <see cref="BrainTiles"/>, for each 32 inputs the weights rounded to brain floats and behind them what the rounding left, rounded likewise.</summary>
    BrainPairTiles = 20,

    /// <summary>
    /// F16 for tiles, of which a pair of brain floats is made while it is multiplied: for each 32 inputs (the last filled up with zeros) 16 rows of 64 bytes, row r holding input r of outputs
    /// 0 to 15, then input r + 16 of them.
    /// </summary>
    HalfTiles = 21,
}
