using System.Buffers;
using System.Buffers.Text;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Translation;

/// <summary>Writes JSON forwards and sees to the commas; strings that are JSON already go out as they came.</summary>
/// <remarks>What is closed is said by the caller's order of calls, so an object may be opened in one method and closed in another.</remarks>
/// <param name="output">Where to.</param>
internal sealed class JsonSink(IBufferWriter<byte> output)
{
    private bool _comma;
    private readonly byte[] _closers = new byte[8];
    private int _depth;

    /// <summary>Opens an object that is a value by itself, as in an array.</summary>
    public void Open() => Begin((byte)'{', (byte)'}');

    /// <summary>Opens an object that is a member.</summary>
    public void Open(ReadOnlySpan<byte> name)
    {
        Name(name);
        Begin((byte)'{', (byte)'}');
    }

    /// <summary>Opens an array that is a member.</summary>
    public void OpenArray(ReadOnlySpan<byte> name)
    {
        Name(name);
        Begin((byte)'[', (byte)']');
    }

    /// <summary>Closes what was opened last.</summary>
    public void Close()
    {
        Put(_closers[--_depth]);
        _comma = true;
    }

    /// <summary>A member whose value is a word of ours.</summary>
    public void Literal(ReadOnlySpan<byte> name, ReadOnlySpan<byte> word)
    {
        Name(name);
        Quoted(word);
    }

    /// <summary>A member whose value is a string of the caller's.</summary>
    public void Text(ReadOnlySpan<byte> name, JsonString text)
    {
        Name(name);
        Quoted(text.Raw);
    }

    /// <summary>A string of the caller's as a value by itself.</summary>
    public void Text(JsonString text)
    {
        Separate();
        Quoted(text.Raw);
    }

    /// <summary>A member whose value is a string that is not escaped yet.</summary>
    /// <param name="name">The member's name.</param>
    /// <param name="utf8">Valid UTF-8.</param>
    public void Plain(ReadOnlySpan<byte> name, ReadOnlySpan<byte> utf8)
    {
        Name(name);
        Put((byte)'"');
        Escape(utf8);
        Put((byte)'"');
        _comma = true;
    }

    /// <summary>A member whose value is a name of ours.</summary>
    public void Plain(ReadOnlySpan<byte> name, string value)
    {
        Name(name);
        UpstreamBodyWriter.WriteString(value, output);
        _comma = true;
    }

    /// <summary>A member whose value is JSON.</summary>
    public void Json(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        Name(name);
        output.Write(value);
        _comma = true;
    }

    /// <summary>A value that is JSON, by itself.</summary>
    public void Json(ReadOnlySpan<byte> value)
    {
        Separate();
        output.Write(value);
        _comma = true;
    }

    public void Number(ReadOnlySpan<byte> name, long value)
    {
        Name(name);
        Span<byte> room = output.GetSpan(20);
        Utf8Formatter.TryFormat(value, room, out int length);
        output.Advance(length);
        _comma = true;
    }

    private void Name(ReadOnlySpan<byte> name)
    {
        Separate();
        Quoted(name);
        Put((byte)':');
        _comma = false;
    }

    private void Begin(byte open, byte close)
    {
        Separate();
        Put(open);
        _closers[_depth++] = close;
        _comma = false;
    }

    private void Separate()
    {
        if (_comma)
            Put((byte)',');
    }

    private void Quoted(ReadOnlySpan<byte> raw)
    {
        Put((byte)'"');
        output.Write(raw);
        Put((byte)'"');
        _comma = true;
    }

    private void Put(byte one)
    {
        output.GetSpan(1)[0] = one;
        output.Advance(1);
    }

    private static readonly SearchValues<byte> s_special = SearchValues.Create([(byte)'"', (byte)'\\', .. Enumerable.Range(0, 32).Select(static i => (byte)i)]);

    private void Escape(ReadOnlySpan<byte> utf8)
    {
        while (utf8.IndexOfAny(s_special) is >= 0 and int at)
        {
            output.Write(utf8[..at]);
            byte special = utf8[at];
            Span<byte> room = output.GetSpan(6);
            if (special is (byte)'"' or (byte)'\\')
            {
                room[0] = (byte)'\\';
                room[1] = special;
                output.Advance(2);
            }
            else
            {
                "\\u00"u8.CopyTo(room);
                room[4] = (byte)(special >> 4 == 0 ? '0' : '1');
                room[5] = "0123456789abcdef"u8[special & 15];
                output.Advance(6);
            }
            utf8 = utf8[(at + 1)..];
        }
        output.Write(utf8);
    }
}
