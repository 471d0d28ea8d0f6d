using System.Collections.Immutable;
using System.Text.Json;

namespace Fairlead.Engine.Formats;

/// <summary>A model's <c>config.json</c>, or one object of it, read with types and in one form.</summary>
/// <remarks>
/// Readers ask in the older form, which most of the Hub holds: <c>rope_theta</c>, <c>rope_scaling</c> with <c>rope_type</c> (null or absent
/// for the plain kind), <c>partial_rotary_factor</c>, <c>rope_local_base_freq</c>, <c>torch_dtype</c>. A file in the newer form
/// (<c>rope_parameters</c>, <c>dtype</c>) has been turned into it, and so has the metadata of a GGUF file (<see cref="GgufConfig"/>).
/// A key that is absent and one that is <c>null</c> are the same. Every method refuses a value of another type, naming file and key.
/// </remarks>
public sealed class JsonConfig
{
    /// <summary>Longest file read, 8 MiB; classifiers with thousands of label names reach 1 MB.</summary>
    public const int MaxBytes = 8 << 20;

    private readonly string _path;

    private JsonConfig(string file, string path, JsonElement root)
    {
        File = file;
        _path = path;
        Root = root;
    }

    /// <summary>The name that error messages use.</summary>
    public string File { get; }

    /// <summary>The object itself, for what the typed methods do not reach.</summary>
    public JsonElement Root { get; }

    /// <summary>Every key of the object, null ones included.</summary>
    public IEnumerable<string> Names
    {
        get
        {
            foreach (JsonProperty property in Root.EnumerateObject())
                yield return property.Name;
        }
    }

    /// <summary>The object as a table of texts, in the order of the file. To look each key up by itself would take the square of their number.</summary>
    /// <exception cref="ModelFileException">A value is no text; thrown when it is reached.</exception>
    public IEnumerable<KeyValuePair<string, string>> AllTexts
    {
        get
        {
            foreach (JsonProperty property in Root.EnumerateObject())
            {
                yield return property.Value.ValueKind == JsonValueKind.String
                    ? new KeyValuePair<string, string>(property.Name, property.Value.GetString()!)
                    : throw new ModelFileException(File, null, $"{_path}{Excerpt.Of(property.Name)} must be a text, it is {StrictJson.Kind(property.Value)}");
            }
        }
    }

    /// <summary>Reads <c>config.json</c> and turns the newer form into the older.</summary>
    /// <exception cref="ModelFileException">It is no JSON object, or its rope settings cannot be said in the older form.</exception>
    public static JsonConfig Parse(string file, ReadOnlyMemory<byte> utf8) => new(file, "", NewerConfig.ToOlder(file, StrictJson.ParseObject(file, utf8)));

    /// <summary>Reads any other JSON object, as it stands.</summary>
    /// <exception cref="ModelFileException">It is no JSON object.</exception>
    public static JsonConfig ParseAsIs(string file, ReadOnlyMemory<byte> utf8) => new(file, "", StrictJson.ParseObject(file, utf8));

    /// <summary>Whether the key is there and not null.</summary>
    public bool Has(string name) => TryValue(name, out _);

    /// <summary>A whole number from 0 to 2³¹−1 that must be there.</summary>
    public int Int(string name) => IntOrNull(name) ?? throw Missing(name);

    /// <summary>A whole number from 0 to 2³¹−1, or <paramref name="fallback"/>.</summary>
    public int Int(string name, int fallback) => IntOrNull(name) ?? fallback;

    /// <summary>A whole number from 0 to 2³¹−1, or null where there is none.</summary>
    public int? IntOrNull(string name)
    {
        if (!TryValue(name, out JsonElement value))
            return null;
        // 64.0 is a whole number: Python writes it where a division came before
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number is >= 0 and <= int.MaxValue && double.IsInteger(number)
            ? (int)number
            : throw Refuse(name, "must be a whole number from 0 to 2147483647");
    }

    /// <summary>A whole number ≥ 1 that must be there: a count of layers, heads, columns.</summary>
    public int Count(string name) => Int(name) is > 0 and var count ? count : throw Refuse(name, "must be at least 1");

    /// <summary>A finite number that must be there.</summary>
    public double Number(string name) => NumberOrNull(name) ?? throw Missing(name);

    /// <summary>A finite number, or <paramref name="fallback"/>.</summary>
    public double Number(string name, double fallback) => NumberOrNull(name) ?? fallback;

    /// <summary>A finite number, or null where there is none.</summary>
    public double? NumberOrNull(string name) => TryValue(name, out JsonElement value) ? Finite(name, value) : null;

    /// <summary>True or false, or <paramref name="fallback"/>.</summary>
    public bool Flag(string name, bool fallback) => FlagOrNull(name) ?? fallback;

    /// <summary>True or false, or null where there is neither.</summary>
    public bool? FlagOrNull(string name)
    {
        if (!TryValue(name, out JsonElement value))
            return null;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Refuse(name, "must be true or false");
    }

    /// <summary>A text that must be there.</summary>
    public string Text(string name) => TextOrNull(name) ?? throw Missing(name);

    /// <summary>A text, or <paramref name="fallback"/>.</summary>
    public string Text(string name, string fallback) => TextOrNull(name) ?? fallback;

    /// <summary>A text, or null where there is none.</summary>
    public string? TextOrNull(string name)
    {
        if (!TryValue(name, out JsonElement value))
            return null;
        return value.ValueKind == JsonValueKind.String ? value.GetString() : throw Refuse(name, "must be a text");
    }

    /// <summary>A list of finite numbers, or null where there is none.</summary>
    public ImmutableArray<double>? Numbers(string name) => List(name, Finite);

    /// <summary>A list of texts, or null where there is none.</summary>
    public ImmutableArray<string>? Texts(string name) =>
        List(name, (key, value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Refuse(key, "must be a list of texts"));

    /// <summary>A list of whole numbers from 0 to 2³¹−1, or null where there is none. <c>true</c> and <c>false</c> count as 1 and 0, as in Python.</summary>
    public ImmutableArray<int>? Ints(string name) => List(name, (key, value) => value.ValueKind switch
    {
        JsonValueKind.True => 1,
        JsonValueKind.False => 0,
        JsonValueKind.Number when value.TryGetInt32(out int number) && number >= 0 => number,
        _ => throw Refuse(key, "must be a list of whole numbers ≥ 0"),
    });

    /// <summary>The object under a key, or null where there is none.</summary>
    public JsonConfig? Section(string name)
    {
        if (!TryValue(name, out JsonElement value))
            return null;
        return value.ValueKind == JsonValueKind.Object ? new JsonConfig(File, _path + name + ".", value) : throw Refuse(name, "must be an object");
    }

    /// <summary>A refusal of this file that blames <paramref name="name"/>: for a value that is read but not supported.</summary>
    public ModelFileException Refuse(string name, string reason)
    {
        string shown = Root.TryGetProperty(name, out JsonElement value) ? $" (it is {Excerpt.Of(value.GetRawText())})" : "";
        return new ModelFileException(File, null, $"{_path}{name} {reason}{shown}");
    }

    private ModelFileException Missing(string name) => new(File, null, $"{_path}{name} is missing");

    private bool TryValue(string name, out JsonElement value) => Root.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;

    private double Finite(string name, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number) ? number : throw Refuse(name, "must be a number");

    private ImmutableArray<T>? List<T>(string name, Func<string, JsonElement, T> read)
    {
        if (!TryValue(name, out JsonElement value))
            return null;
        if (value.ValueKind != JsonValueKind.Array)
            throw Refuse(name, "must be a list");
        var list = ImmutableArray.CreateBuilder<T>(value.GetArrayLength());
        foreach (JsonElement element in value.EnumerateArray())
            list.Add(read(name, element));
        return list.MoveToImmutable();
    }
}
