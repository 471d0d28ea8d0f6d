using System.Text.Json;
using Fairlead.Domain.Problems;

namespace Fairlead.Worker.Requests;

/// <summary>Reads the members of one JSON object, each by what it must be. The first that is wrong is told; null counts as left out.</summary>
/// <remarks>What nobody has asked for when all is read stands in <see cref="Unread"/>: a field without effect is named, never passed over in silence.</remarks>
internal sealed class FieldReader
{
    private readonly Dictionary<string, JsonElement> _members = [];
    private readonly HashSet<string> _read = [];
    private readonly List<FieldReader> _inner = [];
    private readonly string _path;
    private readonly FieldReader? _outer;
    private Problem? _problem;

    public FieldReader(JsonElement body)
        : this(body, "", null)
    {
    }

    private FieldReader(JsonElement body, string path, FieldReader? outer)
    {
        _path = path;
        _outer = outer;
        outer?._inner.Add(this);
        foreach (JsonProperty member in body.EnumerateObject())
        {
            if (member.Value.ValueKind != JsonValueKind.Null)
                _members[member.Name] = member.Value;
        }
    }

    /// <summary>The first thing that was wrong; null while nothing was.</summary>
    public Problem? Problem => _problem;

    /// <summary>Members that were sent and that nothing was read from.</summary>
    public IEnumerable<string> Unread =>
        _members.Keys.Where(name => !_read.Contains(name)).Select(name => _path + name).Concat(_inner.SelectMany(static section => section.Unread));

    /// <summary>Notes what is wrong with a field, unless another one was wrong already.</summary>
    public void Refuse(string name, string message)
    {
        if (_outer is not null)
            _outer.Refuse(_path + name, message);
        else
            _problem ??= new Problem(ProblemKind.FieldInvalid, message.Length <= 300 ? message : string.Concat(message.AsSpan(0, 299), "…"), name);
    }

    /// <summary>A member of whatever kind; null when it was not sent.</summary>
    public JsonElement? Any(string name)
    {
        _read.Add(name);
        return _members.TryGetValue(name, out JsonElement value) ? value : null;
    }

    public string? Text(string name) => Of(name, "a string", JsonValueKind.String)?.GetString();

    public bool? Flag(string name) => Of(name, "true or false", JsonValueKind.True, JsonValueKind.False)?.GetBoolean();

    public JsonElement? Object(string name) => Of(name, "an object", JsonValueKind.Object);

    public JsonElement? Array(string name) => Of(name, "an array", JsonValueKind.Array);

    /// <summary>An object as a reader of its own; what is wrong in it is told with its path.</summary>
    public FieldReader? Section(string name) => Object(name) is { } section ? new FieldReader(section, $"{_path}{name}.", this) : null;

    /// <summary>The same for an element of an array.</summary>
    public FieldReader Element(string name, int index, JsonElement element) => new(element, $"{_path}{name}[{index}].", this);

    public long? Whole(string name, long least, long most)
    {
        if (Of(name, "a whole number", JsonValueKind.Number) is not { } value)
            return null;
        if (value.TryGetInt64(out long number) && number >= least && number <= most)
            return number;
        Refuse(name, $"'{_path}{name}' is {value.GetRawText()}; a whole number from {least} to {most} is expected.");
        return null;
    }

    public float? Real(string name, double least, double most)
    {
        if (Of(name, "a number", JsonValueKind.Number) is not { } value)
            return null;
        if (value.TryGetDouble(out double number) && number >= least && number <= most)
            return (float)number;
        Refuse(name, $"'{_path}{name}' is {value.GetRawText()}; a number from {least} to {most} is expected.");
        return null;
    }

    private JsonElement? Of(string name, string expected, params ReadOnlySpan<JsonValueKind> kinds)
    {
        if (Any(name) is not { } value)
            return null;
        if (kinds.Contains(value.ValueKind))
            return value;
        Refuse(name, $"'{_path}{name}' is {Word(value.ValueKind)}; {expected} is expected.");
        return null;
    }

    private static string Word(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        _ => "true or false",
    };
}
