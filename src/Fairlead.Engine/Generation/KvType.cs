namespace Fairlead.Engine.Generation;

/// <summary>In what form keys and values are kept. Whatever the form, what is no number or infinite is not kept: see <see cref="KvCache.Unsound"/>.</summary>
public enum KvType
{
    /// <summary>Single precision, as they were computed.</summary>
    F32,

    /// <summary>
    /// 16 bits: 11 significant ones from 2^−14 on, nothing but 0 and 2^−14 below. There are no infinities among them, as in Arm's alternative half
    /// precision, so they reach to 131,008, twice as far as IEEE's; what is larger becomes that.
    /// </summary>
    F16,

    /// <summary>A byte each, and a single-precision scale for every 32: rounded to 1/127 of the largest of them.</summary>
    Q8_0,
}
