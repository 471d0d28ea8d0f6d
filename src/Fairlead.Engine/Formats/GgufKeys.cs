namespace Fairlead.Engine.Formats;

/// <summary>The keys of one architecture in a GGUF file, and which of them were read.</summary>
/// <remarks>As with <c>config.json</c>: a key that nobody reads may change the mathematics, so it is refused by name (<see cref="RefuseUnread"/>).</remarks>
internal sealed class GgufKeys(GgufFile file, string architecture)
{
    /// <summary>What changes nothing here: sizes that the tensors say, notes of the converter, settings of training.</summary>
    private static readonly string[] ChangesNothing =
        ["vocab_size", "tensor_data_layout", "pooling_type", "expert_shared_feed_forward_length", "rope.scaling.finetuned", "rope.scaling.original_context_length"];

    private readonly HashSet<string> _accounted = new(ChangesNothing, StringComparer.Ordinal);

    /// <summary>After all that is read.</summary>
    /// <exception cref="ModelFileException">The file has a key of the architecture that nobody has read.</exception>
    public void RefuseUnread()
    {
        string prefix = architecture + ".";
        foreach (string key in file.Keys)
        {
            if (key.StartsWith(prefix, StringComparison.Ordinal) && !_accounted.Contains(key[prefix.Length..]))
                throw file.Refuse(key, $"is not known for architecture {architecture}, and may change the model's answers; llama-server may serve this file");
        }
    }

    /// <summary>A text of the architecture; null: the file does not say.</summary>
    public string? Name(string key) => file.Text(Full(key));

    /// <summary>A number of the architecture; null: the file does not say.</summary>
    public double? Decimal(string key) => file.Number(Full(key));

    /// <summary>True or false of the architecture; null: the file does not say.</summary>
    public bool? Flag(string key) => file.Flag(Full(key));

    /// <summary>Whether the file has a tensor.</summary>
    public bool Has(string tensor) => file.Tensors.ContainsKey(tensor);

    private string Full(string key)
    {
        _accounted.Add(key);
        return $"{architecture}.{key}";
    }

    /// <summary>A whole number that nothing else tells.</summary>
    public long Wanted(string key) => Whole(key) ?? throw Refuse(key, "is missing");

    /// <summary>A whole number from 0 to 2³¹−1: one for all layers, which some architectures write as a list with one entry a layer. Null: the file does not say.</summary>
    public long? Whole(string key)
    {
        string full = Full(key);
        if (!file.TryGetType(full, out _, out bool isList))
            return null;
        if (!isList)
            return file.Integer(full) is >= 0 and <= int.MaxValue and var number ? number : throw Refuse(key, "must be a whole number from 0 to 2147483647");
        int[] each = file.Integers(full)!;
        return each.Length > 0 && each[0] >= 0 && Array.TrueForAll(each, value => value == each[0])
            ? each[0]
            : throw Refuse(key, "differs from layer to layer, which is not supported; llama-server serves such a model");
    }

    /// <summary>Rows of a matrix; null: the file has no such matrix.</summary>
    public long? Rows(string tensor) => file.Tensors.TryGetValue(tensor, out GgufTensor? found) && found.Shape.Length == 2 ? found.Shape[0] : null;

    /// <summary>The middle one of three dimensions of a tensor that says what a key does not.</summary>
    public long MiddleDimension(string tensor) => file.Tensors.TryGetValue(tensor, out GgufTensor? found) && found.Shape.Length == 3
        ? found.Shape[1]
        : throw Refuse("expert_feed_forward_length", "is missing");

    /// <summary>A refusal that blames a key.</summary>
    public ModelFileException Refuse(string key, string reason) => file.Refuse($"{architecture}.{key}", reason);
}
