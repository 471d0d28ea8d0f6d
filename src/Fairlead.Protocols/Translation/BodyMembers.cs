using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;

namespace Fairlead.Protocols.Translation;

/// <summary>Writes the top-level members of a translated body and notes where each stands, as a scan of it would: it is then spliced for its upstream by the
/// rules that hold for every body of its dialect.</summary>
internal sealed class BodyMembers(PooledBuffer output)
{
    private string? _name;
    private int _start;
    private int _valueStart;

    public List<TopMember> Written { get; } = new(16);

    /// <summary>Begins a member; its value is written by the caller.</summary>
    public void Begin(string name)
    {
        if (Written.Count > 0)
            output.Append(","u8);
        _name = name;
        _start = output.Length;
        output.Append("\""u8);
        Span<byte> room = output.GetSpan(name.Length);
        output.Advance(System.Text.Encoding.ASCII.GetBytes(name, room));
        output.Append("\":"u8);
        _valueStart = output.Length;
    }

    /// <summary>Ends the member that was begun.</summary>
    public void End() => Written.Add(new TopMember(_name!, _start..output.Length, _valueStart..output.Length));

    /// <summary>A member with a value that is JSON already.</summary>
    public void Add(string name, ReadOnlySpan<byte> value)
    {
        Begin(name);
        output.Append(value);
        End();
    }
}
