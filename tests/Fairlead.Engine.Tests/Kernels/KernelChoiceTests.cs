using Fairlead.Engine.Kernels;

namespace Fairlead.Engine.Tests.Kernels;

/// <summary>The family of kernels by its name.</summary>
[Collection(Widths.Name)]
public sealed class KernelChoiceTests
{
    [Fact]
    public void Every_family_that_is_there_can_be_named_in_any_case_and_no_other_can()
    {
        try
        {
            foreach (KernelFamily family in KernelChoice.Available)
            {
                Assert.True(KernelChoice.TryUse(family.ToString().ToLowerInvariant()));
                Assert.Equal(family, KernelChoice.Family);
            }

            KernelFamily before = KernelChoice.Family;
            foreach (string name in (string[])["sse9", "", "0", .. Enum.GetValues<KernelFamily>().Except(KernelChoice.Available).Select(static family => family.ToString())])
                Assert.False(KernelChoice.TryUse(name), name);
            Assert.Equal(before, KernelChoice.Family);
        }
        finally
        {
            KernelChoice.Family = KernelChoice.Best;
        }
    }
}
