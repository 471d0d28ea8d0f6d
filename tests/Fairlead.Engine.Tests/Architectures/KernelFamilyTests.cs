using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tests.Architectures.Encoders;
using Fairlead.Engine.Tests.Kernels;

namespace Fairlead.Engine.Tests.Architectures;

/// <summary>The goldens with weights in the forms of families that this machine would not choose. All but the one with tiles share theirs, so the plainest speaks for them.</summary>
[Collection(Widths.Name)]
public sealed class KernelFamilyTests
{
    public static TheoryData<KernelFamily, string> Decoders => Pairs(Golden.Names);

    public static TheoryData<KernelFamily, string> Encoders => Pairs(["bert", "xlm-roberta", "mpnet"]);

    [Theory]
    [MemberData(nameof(Decoders))]
    public void A_language_model_gives_what_the_reference_gives(KernelFamily family, string name) =>
        With(family, () => new GoldenDecoderTests().A_model_gives_the_scores_hidden_states_and_greedy_text_of_the_reference(name));

    [Theory]
    [MemberData(nameof(Encoders))]
    public void An_encoder_gives_what_the_reference_gives(KernelFamily family, string name) =>
        With(family, () => new EncoderGoldens().The_vectors_of_texts_are_those_of_transformers(name));

    private static TheoryData<KernelFamily, string> Pairs(string[] names)
    {
        var pairs = new TheoryData<KernelFamily, string>();
        foreach (KernelFamily family in new[] { KernelFamily.Scalar, KernelFamily.Amx }.Where(static family => family != KernelChoice.Best))
        {
            foreach (string name in names)
                pairs.Add(family, name);
        }

        return pairs;
    }

    private static void With(KernelFamily family, Action test)
    {
        Assert.SkipUnless(KernelChoice.Available.Contains(family), $"this machine has no {family}");
        KernelFamily before = KernelChoice.Family;
        try
        {
            KernelChoice.Family = family;
            test();
        }
        finally
        {
            KernelChoice.Family = before;
        }
    }
}
