using System.Collections.Immutable;
using System.Text.Json;

namespace Fairlead.Worker.Requests;

/// <summary>One text to complete or to embed: as text, or as the token ids it is.</summary>
/// <param name="Text">Null where ids were sent.</param>
/// <param name="Ids">Used as they are, nothing is added; empty where a text was sent.</param>
internal readonly record struct Prompt(string? Text, ImmutableArray<int> Ids)
{
    /// <summary>A string, an array of token ids, or an array of either: the four forms that OpenAI takes.</summary>
    public static ImmutableArray<Prompt> ReadAll(FieldReader fields, string name)
    {
        if (fields.Any(name) is not { } value)
        {
            fields.Refuse(name, $"The field '{name}' is missing. A string, an array of strings, of token ids, or of arrays of token ids is expected.");
            return [];
        }
        if (value.ValueKind == JsonValueKind.String)
            return [new Prompt(value.GetString(), [])];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0)
        {
            fields.Refuse(name, $"'{name}' is neither a string nor an array with something in it.");
            return [];
        }
        if (value[0].ValueKind == JsonValueKind.Number)
            return [new Prompt(null, ReadIds(fields, name, value))];
        var prompts = ImmutableArray.CreateBuilder<Prompt>();
        foreach (JsonElement one in value.EnumerateArray())
        {
            if (one.ValueKind == JsonValueKind.String)
            {
                prompts.Add(new Prompt(one.GetString(), []));
            }
            else if (one.ValueKind == JsonValueKind.Array && one.GetArrayLength() > 0)
            {
                prompts.Add(new Prompt(null, ReadIds(fields, $"{name}[{prompts.Count}]", one)));
            }
            else
            {
                fields.Refuse(name, $"'{name}[{prompts.Count}]' is neither a string nor an array of token ids with something in it.");
                break;
            }
        }
        return prompts.ToImmutable();
    }

    /// <summary>An array of token ids; whether a model has them is the model's to say.</summary>
    public static ImmutableArray<int> ReadIds(FieldReader fields, string name, JsonElement array)
    {
        var ids = ImmutableArray.CreateBuilder<int>(array.GetArrayLength());
        foreach (JsonElement element in array.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt32(out int id) || id < 0)
            {
                fields.Refuse(name, $"'{name}[{ids.Count}]' is no token id; a whole number of at least 0 is expected.");
                break;
            }
            ids.Add(id);
        }
        return ids.ToImmutable();
    }
}
