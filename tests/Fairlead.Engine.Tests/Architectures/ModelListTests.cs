using Fairlead.Engine.Architectures;
using Fairlead.Engine.Architectures.Encoders;
using Fairlead.Shared;

namespace Fairlead.Engine.Tests.Architectures;

public sealed class ModelListTests
{
    [Fact]
    public void Every_architecture_that_runs_is_in_the_document_and_no_other()
    {
        string document = File.ReadAllText(Path.Combine(Checkout.Root, "docs", "models.md"));
        string[] listed =
        [
            .. document.Split('\n').Where(static line => line.StartsWith("| `", StringComparison.Ordinal) && !line.StartsWith("| `model_type`", StringComparison.Ordinal))
                .SelectMany(static line => line.Split('|')[1].Split(',')).Select(static name => name.Trim().Trim('`')).Order(StringComparer.Ordinal),
        ];

        Assert.Equal(ArchitectureRegistry.ModelTypes.Concat(EncoderArchitecture.ModelTypesKnown).Order(StringComparer.Ordinal), listed);
    }
}
