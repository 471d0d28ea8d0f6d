using System.Text;

namespace Fairlead.Engine.Formats;

/// <summary>Names of files that stand inside other files. The rules of POSIX and of Windows hold on every system, so that a folder means the same everywhere.</summary>
internal static class FileNames
{
    /// <summary>Whether <paramref name="name"/> is one file of the same folder: no separator, drive, device name, control character, leading dot; at most 255 bytes.</summary>
    public static bool IsPlain(string name)
    {
        if (name.Length == 0 || Encoding.UTF8.GetByteCount(name) > 255 || name[0] is '.' or ' ' || name[^1] is '.' or ' ')
            return false;
        foreach (char c in name)
        {
            if (char.IsControl(c) || char.IsSurrogate(c) || c is '/' or '\\' or ':' or '*' or '?' or '"' or '<' or '>' or '|')
                return false;
        }

        string stem = name.Split('.', 2)[0].ToUpperInvariant();
        return stem is not ("CON" or "PRN" or "AUX" or "NUL") && !(stem.Length == 4 && (stem.StartsWith("COM", StringComparison.Ordinal) || stem.StartsWith("LPT", StringComparison.Ordinal)) && char.IsDigit(stem[3]));
    }

    /// <summary>Whether <paramref name="path"/> is a relative path of at most 8 plain parts, parted by <c>/</c>.</summary>
    public static bool IsPlainPath(string path) => path.Split('/') is { Length: <= 8 } parts && Array.TrueForAll(parts, IsPlain);
}
