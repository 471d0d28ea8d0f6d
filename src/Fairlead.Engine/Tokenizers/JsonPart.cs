using System.Text.Json;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers;

/// <summary>A value of <c>tokenizer.json</c> and the way to it: asks for what is needed, and refuses by name what is not there.</summary>
internal readonly struct JsonPart
{
    private readonly string _file;
    private readonly string _list; // the way to the list it is an element of, or to itself
    private readonly int _index; // in that list; −1: it is in none
    private readonly JsonElement _value;

    private JsonPart(string file, string list, int index, JsonElement value)
    {
        _file = file;
        _list = list;
        _index = index;
        _value = value;
    }

    /// <summary>The way from the top: <c>pre_tokenizer.pretokenizers[1]</c>. Put together only when asked for: a file has half a million merges.</summary>
    public string Path => _index < 0 ? _list : $"{_list}[{_index}]";

    public string File => _file;

    /// <summary>False for JSON's null and for what was not there.</summary>
    public bool IsPresent => _value.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    public bool IsArray => _value.ValueKind == JsonValueKind.Array;

    public bool IsString => _value.ValueKind == JsonValueKind.String;

    /// <summary>The component's <c>type</c>.</summary>
    public string Type => this["type"].Text();

    /// <summary>Parses a whole file.</summary>
    /// <exception cref="ModelFileException">It is not JSON, or holds a text that is not Unicode.</exception>
    public static JsonPart Parse(string file, ReadOnlySpan<byte> json) => new(file, "", -1, StrictJson.Parse(file, json.ToArray()));

    /// <summary>The value under that key; one that is not present where the key is missing.</summary>
    public JsonPart this[string key]
    {
        get
        {
            if (_value.ValueKind != JsonValueKind.Object)
                throw Refusal("is no JSON object");
            string path = Path.Length == 0 ? key : $"{Path}.{key}";
            return new JsonPart(_file, path, -1, _value.TryGetProperty(key, out JsonElement value) ? value : default);
        }
    }

    /// <summary>The elements of an array.</summary>
    public IEnumerable<JsonPart> Items()
    {
        if (_value.ValueKind != JsonValueKind.Array)
            throw Refusal("is no JSON array");
        string path = Path;
        int index = 0;
        foreach (JsonElement item in _value.EnumerateArray())
            yield return new JsonPart(_file, path, index++, item);
    }

    /// <summary>How many elements an array has.</summary>
    public int Count => IsArray ? _value.GetArrayLength() : throw Refusal("is no JSON array");

    /// <summary>An element of a small array; a refusal of it names the array.</summary>
    public JsonPart At(int index) => index < Count ? new JsonPart(_file, _list, _index, _value[index]) : throw Refusal($"has no element {index}");

    /// <summary>The members of an object.</summary>
    public IEnumerable<(string Name, JsonPart Value)> Members()
    {
        if (_value.ValueKind != JsonValueKind.Object)
            throw Refusal("is no JSON object");
        string path = Path;
        foreach (JsonProperty member in _value.EnumerateObject())
            yield return (member.Name, new JsonPart(_file, path, -1, member.Value));
    }

    public string Text() => _value.ValueKind == JsonValueKind.String ? _value.GetString()! : throw Refusal("is no text");

    public string Text(string otherwise) => IsPresent ? Text() : otherwise;

    public bool Flag(bool otherwise) => _value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => IsPresent ? throw Refusal("is neither true nor false") : otherwise,
    };

    public long Number() => _value.ValueKind == JsonValueKind.Number && _value.TryGetInt64(out long number) ? number : throw Refusal("is no whole number");

    public int Number(int otherwise, int least, int most)
    {
        if (!IsPresent)
            return otherwise;
        long number = Number();
        return number >= least && number <= most ? (int)number : throw Refusal($"is {number}; {least} to {most} is supported");
    }

    public double Real() => _value.ValueKind == JsonValueKind.Number && _value.TryGetDouble(out double number) && double.IsFinite(number)
        ? number
        : throw Refusal("is no number");

    /// <summary>The one character that a text consists of.</summary>
    public int Character(int otherwise)
    {
        if (!IsPresent)
            return otherwise;
        string text = CodePoints.Repaired(Text());
        return text.Length > 0 && CodePoints.At(text, 0, out int length) is var codePoint && length == text.Length
            ? codePoint
            : throw Refusal("is not one character");
    }

    public ModelFileException Refusal(string reason) => new(_file, null, Path.Length == 0 ? $"the file {reason}" : $"{Path} {reason}");

    /// <summary>Refuses a component by its type.</summary>
    public ModelFileException Unsupported(string kind) => Refusal($"is of the type {Type}, a {kind} that is not supported");
}
