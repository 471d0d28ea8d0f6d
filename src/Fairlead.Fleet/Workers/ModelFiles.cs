namespace Fairlead.Fleet.Workers;

/// <summary>The files of a model, as far as they are ours to see.</summary>
public static class ModelFiles
{
    /// <summary>Bytes of a file, or of the files of a folder; 0 for a name that is neither.</summary>
    public static long Bytes(string source)
    {
        if (File.Exists(source))
            return new FileInfo(source).Length;
        return Directory.Exists(source) ? new DirectoryInfo(source).EnumerateFiles().Sum(static file => file.Length) : 0;
    }
}
