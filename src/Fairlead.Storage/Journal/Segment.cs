using System.Buffers.Binary;
using System.Globalization;

namespace Fairlead.Storage.Journal;

/// <summary>One file of the journal: a header of 16 bytes (magic <c>FLDJRNL\n</c>, format version and segment number, both u32 little-endian), then records.</summary>
internal sealed class Segment(int number, string path, SegmentFile file, long length)
{
    public const int HeaderBytes = 16;
    public const string Extension = ".fwj";
    private const uint FormatVersion = 1;

    public int Number { get; } = number;
    public string Path { get; } = path;
    public SegmentFile File { get; } = file;

    /// <summary>End of the last record that was acknowledged or is about to be. The journal's lock guards it.</summary>
    public long Length { get; set; } = length;

    /// <summary>Bytes the disk is known to have.</summary>
    public long SyncedLength { get; set; } = length;

    /// <summary>Reservations in here whose close is not written yet: they keep the file, because a restart must find them.</summary>
    public int OpenReservations { get; set; }

    /// <summary>A failed fsync may have dropped pages for good, and a later one would not say so: nothing more is written or synced here.</summary>
    public bool Poisoned { get; set; }

    private static ReadOnlySpan<byte> Magic => "FLDJRNL\n"u8;

    public static string FileName(int number) => number.ToString("D8", CultureInfo.InvariantCulture) + Extension;

    /// <summary>The segment files of a folder by number.</summary>
    public static IEnumerable<(int Number, string Path)> List(string folder) =>
        Directory.EnumerateFiles(folder, "*" + Extension)
            .Select(static path => (Ok: int.TryParse(System.IO.Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out int number), number, path))
            .Where(static file => file.Ok)
            .Select(static file => (file.number, file.path))
            .OrderBy(static file => file.number);

    public static byte[] Header(int number)
    {
        var header = new byte[HeaderBytes];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), FormatVersion);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(12), (uint)number);
        return header;
    }

    /// <summary>True for the header of this segment.</summary>
    /// <exception cref="JournalFormatException">Ours, but of another version.</exception>
    public static bool IsHeader(ReadOnlySpan<byte> bytes, int number)
    {
        if (bytes.Length < HeaderBytes || !bytes.StartsWith(Magic))
            return false;
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        if (version != FormatVersion)
            throw new JournalFormatException($"segment {FileName(number)} has format {version}; this program reads {FormatVersion}");
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]) == (uint)number;
    }
}
