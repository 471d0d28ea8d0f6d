using System.Text.RegularExpressions;
using Fairlead.Domain.Problems;

namespace Fairlead.Shape.Tests;

/// <summary>No error without a test that provokes it against a whole gateway, and none that the path cannot say.</summary>
public sealed class ErrorCatalogue
{
    /// <summary>Projects whose tests talk to a gateway as a caller does.</summary>
    private static readonly string[] Provoking = ["Fairlead.Gateway.Tests", "Fairlead.Conformance", "Fairlead.Tests"];

    private static readonly Lazy<string> Tests = new(static () =>
        string.Concat(Provoking.SelectMany(static project => Repository.SourceFiles(Path.Combine(Repository.Root, "tests", project))).Select(File.ReadAllText)));

    private static readonly Lazy<string> Product = new(static () =>
        string.Concat(Repository.SourceFiles(Path.Combine(Repository.Root, "src")).Where(static f => !f.EndsWith("/ProblemKind.cs", StringComparison.Ordinal)).Select(File.ReadAllText)));

    public static TheoryData<string> Codes() => [.. ProblemKind.All.Select(static k => k.Code).Distinct(StringComparer.Ordinal)];

    [Theory, MemberData(nameof(Codes))]
    public void Every_code_is_expected_by_name_in_a_test_that_talks_to_a_gateway(string code) =>
        Assert.True(Regex.IsMatch(Tests.Value, $"\\\\?\"{code}\\\\?\""), $"No test in {string.Join(", ", Provoking)} expects \"{code}\". Provoke it in EveryErrorTests.");

    [Fact]
    public void Every_kind_is_said_somewhere()
    {
        foreach (System.Reflection.FieldInfo field in typeof(ProblemKind).GetFields(System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.Static).Where(static f => f.FieldType == typeof(ProblemKind)))
            Assert.True(Product.Value.Contains($"ProblemKind.{field.Name}", StringComparison.Ordinal), $"Nothing answers {field.Name}: delete it.");
    }
}
