using System.Xml.Linq;

namespace Fairlead.Shape.Tests;

/// <summary>References point down, never up, never in a circle: the table in docs/architecture.md.</summary>
public sealed class ProjectArrows
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Fairlead"] = ["Fairlead.Gateway", "Fairlead.Worker", "Fairlead.Api"],
        ["Fairlead.Gateway"] = ["Fairlead.Upstreams", "Fairlead.Fleet", "Fairlead.Storage", "Fairlead.Protocols", "Fairlead.Api"],
        ["Fairlead.Upstreams"] = ["Fairlead.Fleet", "Fairlead.Protocols"],
        ["Fairlead.Worker"] = ["Fairlead.Engine", "Fairlead.Protocols"],
        ["Fairlead.Fleet"] = ["Fairlead.Domain"],
        ["Fairlead.Storage"] = ["Fairlead.Domain"],
        ["Fairlead.Protocols"] = ["Fairlead.Domain"],
        ["Fairlead.Api"] = ["Fairlead.Domain"],
        ["Fairlead.Domain"] = [],
        ["Fairlead.Engine"] = [],
    };

    public static TheoryData<string> Projects() => [.. Repository.SourceProjects.Select(static p => Path.GetFileNameWithoutExtension(p))];

    [Theory, MemberData(nameof(Projects))]
    public void A_project_refers_only_to_what_stands_below_it(string project)
    {
        Assert.True(Allowed.ContainsKey(project), $"{project} is new: give it a row here and in docs/architecture.md.");
        Assert.Subset(Allowed[project].ToHashSet(), References(project).ToHashSet());
    }

    [Fact]
    public void No_project_is_empty() =>
        Assert.All(Repository.SourceProjects, static p => Assert.NotEmpty(Repository.SourceFiles(Path.GetDirectoryName(p)!)));

    [Fact]
    public void Versions_stand_in_one_file_only()
    {
        foreach (string project in Directory.EnumerateFiles(Repository.Root, "*.csproj", SearchOption.AllDirectories))
        {
            foreach (XElement package in XDocument.Load(project).Descendants("PackageReference"))
                Assert.True(package.Attribute("Version") is null, $"{project} states a version of {package.Attribute("Include")?.Value}.");
        }
    }

    private static IEnumerable<string> References(string project) =>
        XDocument.Load(Path.Combine(Repository.Root, "src", project, project + ".csproj"))
            .Descendants("ProjectReference")
            .Select(static r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value));
}
