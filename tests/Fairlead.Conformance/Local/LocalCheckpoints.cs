using Fairlead.Conformance.Local;
using Fairlead.Shared;

[assembly: AssemblyFixture(typeof(LocalCheckpoints))]

namespace Fairlead.Conformance.Local;

/// <summary>Model folders and files that are made once for all tests and read by many; a test that spoils one spoils a copy.</summary>
public sealed class LocalCheckpoints : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Lazy<string> _small;
    private readonly Lazy<string> _large;
    private readonly Lazy<string> _guideGguf;

    public LocalCheckpoints()
    {
        _small = Made("small", 30_000_000);
        _large = Made("large", 480_000_000);
        _guideGguf = new Lazy<string>(() => GuideAsGguf.WriteTo(_folder["guide.gguf"]));
    }

    /// <summary>The shipped model.</summary>
    public static string Guide { get; } = Path.Combine(Checkout.Root, "models", "guide");

    /// <summary>27 MB of random weights: fast to load, slow enough to be caught in mid-answer.</summary>
    public string Small => _small.Value;

    /// <summary>478 MB: its load takes long enough to be seen.</summary>
    public string Large => _large.Value;

    /// <summary>The shipped model as llama.cpp reads it.</summary>
    public string GuideGguf => _guideGguf.Value;

    /// <summary>A copy to spoil, at a path that is not there yet.</summary>
    public static string Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        return to;
    }

    public void Dispose() => _folder.Dispose();

    private Lazy<string> Made(string name, long bytes) => new(() =>
    {
        RandomCheckpoint.Write(Guide, _folder[name], bytes);
        return _folder[name];
    });
}
