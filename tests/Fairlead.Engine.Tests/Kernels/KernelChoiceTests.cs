using Fairlead.Engine.Kernels;

namespace Fairlead.Engine.Tests.Kernels;

/// <summary>The family of kernels by its name.</summary>
[Collection(Widths.Name)]
public sealed class KernelChoiceTests
{
    [Fact]
    public void Every_family_that_is_there_can_be_named_in_any_case_and_no_other_can()
    {
        (KernelFamily chosen, SimdFamily width) = (KernelChoice.Family, Simd.Family);
        try
        {
            foreach (KernelFamily family in KernelChoice.Available)
            {
                Assert.True(KernelChoice.TryUse(family.ToString().ToLowerInvariant()));
                Assert.Equal(family, KernelChoice.Family);
                Assert.Equal(family == KernelFamily.Scalar, Simd.Family == SimdFamily.Scalar);
                Assert.True(family is not (KernelFamily.Avx2 or KernelFamily.AvxVnni) || Simd.Family <= SimdFamily.Vector256);
            }

            KernelFamily before = KernelChoice.Family;
            foreach (string name in (string[])["sse9", "", "0", .. Enum.GetValues<KernelFamily>().Except(KernelChoice.Available).Select(static family => family.ToString())])
                Assert.False(KernelChoice.TryUse(name), name);
            Assert.Equal(before, KernelChoice.Family);
        }
        finally
        {
            (KernelChoice.Family, Simd.Family) = (chosen, width);
        }
    }
}
