using System.Text;
using System.Text.Json;

namespace Fairlead.Engine.Chat;

/// <summary>What has arrived and is not yet understood. The beginning moves on as it is.</summary>
internal sealed class Arrived
{
    private string _text = "";
    private int _at;

    public ReadOnlySpan<char> Rest => _text.AsSpan(_at);

    public int Length => _text.Length - _at;

    /// <summary>No more will come.</summary>
    public bool Ended { get; set; }

    public void Append(string text)
    {
        _text = string.Concat(Rest, text);
        _at = 0;
    }

    /// <summary>Takes the next characters.</summary>
    public string Take(int count)
    {
        string taken = _text.Substring(_at, count);
        _at += count;
        return taken;
    }

    public void Skip(int count) => _at += count;

    /// <summary>How much white space stands at the beginning.</summary>
    public int Space(int from = 0)
    {
        ReadOnlySpan<char> rest = Rest;
        while (from < rest.Length && char.IsWhiteSpace(rest[from]))
            from++;
        return from;
    }

    /// <summary>Whether <paramref name="mark"/> stands at <paramref name="from"/>; undecided while its beginning does and more may come.</summary>
    public Match At(int from, string mark)
    {
        ReadOnlySpan<char> rest = Rest[from..];
        if (rest.StartsWith(mark, StringComparison.Ordinal))
            return Match.Yes;
        return !Ended && rest.Length < mark.Length && mark.AsSpan().StartsWith(rest, StringComparison.Ordinal) ? Match.Open : Match.No;
    }
}

/// <summary>How far a reader of calls has come.</summary>
internal enum Reading
{
    /// <summary>It needs more text.</summary>
    Waits,

    /// <summary>The calls are over; what follows is ordinary text.</summary>
    Done,

    /// <summary>What stands behind the mark is no call, and nothing has been taken.</summary>
    NoCall,
}

/// <summary>Reads the calls behind one mark. It takes text only once it is sure of a call, so that anything else can still become content.</summary>
internal abstract class CallReader(CallSink sink)
{
    /// <summary>A header longer than this is none: it bounds what is held back and looked at again.</summary>
    protected const int MaxHeader = 1 << 16;

    protected CallSink Sink { get; } = sink;

    /// <summary>Reads as far as the text goes.</summary>
    public abstract Reading Read(Arrived text);

    /// <summary>The text has ended while the reader waited; calls that are open end where they are.</summary>
    public virtual void End() => Sink.EndOpenCall(isComplete: false);

    /// <summary>No call was seen, or the calls are over.</summary>
    protected Reading Over => Sink.CallsHere > 0 ? Reading.Done : Reading.NoCall;
}

/// <summary>Turns what readers find into events.</summary>
internal sealed class CallSink(List<ChatEvent> events, ToolSchemas tools, ulong seed)
{
    private readonly StringBuilder _arguments = new();
    private int _next;
    private bool _isOpen;

    public ToolSchemas Tools => tools;

    /// <summary>Calls since the last mark.</summary>
    public int CallsHere { get; private set; }

    public void BeginSection() => CallsHere = 0;

    public void Start(string name, string? id)
    {
        CallsHere++;
        _isOpen = true;
        _arguments.Clear();
        events.Add(new ChatEvent.CallStarted(_next, string.IsNullOrEmpty(id) ? ToolCallIds.Make(seed, _next) : id, name));
    }

    public void Arguments(string fragment)
    {
        if (fragment.Length == 0)
            return;
        _arguments.Append(fragment);
        events.Add(new ChatEvent.CallArguments(_next, fragment));
    }

    public void EndOpenCall(bool isComplete)
    {
        if (!_isOpen)
            return;
        _isOpen = false;
        events.Add(new ChatEvent.CallEnded(_next++, isComplete && IsJson(_arguments.ToString())));
    }

    private static bool IsJson(string text)
    {
        Utf8JsonReader reader = new(Encoding.UTF8.GetBytes(text));
        try
        {
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
