namespace Fairlead.Engine.Formats;

/// <summary>Where a path leads once every symbolic link on the way is followed; .NET resolves only the last part.</summary>
internal static class RealPath
{
    private const int MaxLinks = 40; // Linux' own limit (MAXSYMLINKS)

    /// <summary>The absolute path without any link in it. Parts that do not exist are kept as they are.</summary>
    /// <exception cref="IOException">Links form a loop.</exception>
    public static string Of(string path)
    {
        int links = 0;
        string full = Path.GetFullPath(path), root = Path.GetPathRoot(full) ?? "/";
        Stack<string> rest = new(full[root.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Reverse());
        string real = root;
        while (rest.TryPop(out string? part))
        {
            if (part == "..")
            {
                real = Path.GetDirectoryName(real) ?? root;
                continue;
            }

            string next = Path.Combine(real, part);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                real = next;
                continue;
            }

            if (++links > MaxLinks)
                throw new IOException("too many symbolic links on the way: they form a loop");
            if (Path.IsPathRooted(target))
                real = Path.GetPathRoot(target) ?? root;
            foreach (string step in target.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Reverse())
            {
                if (step != ".")
                    rest.Push(step);
            }
        }

        return real;
    }

    /// <summary>Whether <paramref name="path"/> is <paramref name="folder"/> or lies in it; both absolute and without links.</summary>
    public static bool IsWithin(string path, string folder) =>
        path == folder || path.StartsWith(folder.EndsWith(Path.DirectorySeparatorChar) ? folder : folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
