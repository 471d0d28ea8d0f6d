namespace Fairlead.Shared;

/// <summary>A folder of its own below the system's temporary one, gone with the test.</summary>
internal sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("fairlead-").FullName;

    /// <summary>Path of a file or folder inside; nothing is created.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
            // a process that was killed may still be closing its files; the system clears its temporary folder itself
        }
    }
}
