using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Fairlead.Protocols.Json;

/// <summary>Names of the members of all objects that a <see cref="JsonCursor"/> stands in, so that none stands twice in one object.</summary>
/// <remarks>
/// Two readers of one text may each take another of two equal members, so a gateway that checks the first pays for the second.
/// The names are not copied: a 64-bit hash of each is kept and searched vectorised, and only equal hashes lead to a comparison. The hash is
/// keyed anew in every process, because with a known one a caller could make every search a comparison of all names with all.
/// For one text at a time and one thread.
/// </remarks>
public sealed class MemberNames
{
    private static readonly ulong FirstKey = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8));
    private static readonly ulong SecondKey = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8));

    private const int KeptNames = 4096;

    [ThreadStatic]
    private static MemberNames? _ofThisThread;

    private ulong[] _hashes = new ulong[32];
    private (int Start, int Length, bool Escaped)[] _names = new (int, int, bool)[32];
    private int[] _opened = new int[16];
    private int _count;
    private int _depth;

    /// <summary>This thread's own, empty: for a text that is read to its end before the thread reads another.</summary>
    public static MemberNames ForOneText()
    {
        MemberNames names = _ofThisThread ??= new MemberNames();
        if (names._hashes.Length > KeptNames)
            names = _ofThisThread = new MemberNames(); // what one odd text needed is not kept for good
        names._count = names._depth = 0;
        return names;
    }

    /// <summary>An object begins.</summary>
    internal void Open()
    {
        if (_depth == _opened.Length)
            Array.Resize(ref _opened, _depth * 2);
        _opened[_depth++] = _count;
    }

    /// <summary>The innermost object ends.</summary>
    internal void Close() => _count = _opened[--_depth];

    /// <summary>Notes a name of the innermost object; false when it has stood there before, in whatever spelling.</summary>
    internal bool TryAdd(ReadOnlySpan<byte> text, int start, int length, bool escaped)
    {
        ReadOnlySpan<byte> name = Plain(text.Slice(start, length), escaped);
        ulong hash = Hash(name);
        int from = _opened[_depth - 1];
        while (_hashes.AsSpan(from, _count - from).IndexOf(hash) is >= 0 and int found)
        {
            (int otherStart, int otherLength, bool otherEscaped) = _names[from + found];
            if (name.SequenceEqual(Plain(text.Slice(otherStart, otherLength), otherEscaped)))
                return false;
            from += found + 1;
        }
        if (_count == _hashes.Length)
        {
            Array.Resize(ref _hashes, _count * 2);
            Array.Resize(ref _names, _count * 2);
        }
        _hashes[_count] = hash;
        _names[_count++] = (start, length, escaped);
        return true;
    }

    private static ReadOnlySpan<byte> Plain(ReadOnlySpan<byte> raw, bool escaped) =>
        escaped ? Encoding.UTF8.GetBytes(JsonText.Unescape(raw, escaped: true)) : raw;

    private static ulong Hash(ReadOnlySpan<byte> name)
    {
        ulong state = (ulong)name.Length * 0x9E37_79B9_7F4A_7C15;
        while (name.Length > 16)
        {
            state = Mix(name, name[8..], state);
            name = name[16..];
        }
        if (name.Length >= 8)
            return Mix(name, name[^8..], state);
        Span<byte> padded = stackalloc byte[8];
        padded.Clear();
        name.CopyTo(padded);
        return Mix(padded, padded, state);
    }

    private static ulong Mix(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, ulong state)
    {
        ulong high = Math.BigMul(
            BinaryPrimitives.ReadUInt64LittleEndian(left) ^ FirstKey ^ state, BinaryPrimitives.ReadUInt64LittleEndian(right) ^ SecondKey, out ulong low);
        return high ^ low;
    }
}
