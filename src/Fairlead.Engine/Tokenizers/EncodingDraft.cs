namespace Fairlead.Engine.Tokenizers;

/// <summary>An <see cref="Encoding"/> while it grows.</summary>
internal sealed class EncodingDraft
{
    public List<int> Ids { get; } = [];

    public List<(int Start, int End)> Offsets { get; } = [];

    public List<int> TypeIds { get; } = [];

    /// <summary>By place: the text of tokens that go by it rather than by the vocabulary's name. Null: there are none.</summary>
    public Dictionary<int, string>? Texts { get; private set; }

    public int Count => Ids.Count;

    public void Add(int id, int start, int end, int typeId, string? text = null)
    {
        if (text is not null)
            (Texts ??= []).Add(Ids.Count, text);
        Ids.Add(id);
        Offsets.Add((start, end));
        TypeIds.Add(typeId);
    }

    /// <summary>Adds all of another draft; with a number for <paramref name="typeId"/>, under that type.</summary>
    public void Add(EncodingDraft other, int? typeId)
    {
        foreach ((int at, string text) in other.Texts ?? [])
            (Texts ??= []).Add(Count + at, text);
        Ids.AddRange(other.Ids);
        Offsets.AddRange(other.Offsets);
        if (typeId is { } type)
            TypeIds.AddRange(Enumerable.Repeat(type, other.Count));
        else
            TypeIds.AddRange(other.TypeIds);
    }

    /// <summary>Drops what is beyond <paramref name="count"/> tokens.</summary>
    public void Truncate(int count)
    {
        if (count >= Count)
            return;
        Ids.RemoveRange(count, Ids.Count - count);
        Offsets.RemoveRange(count, Offsets.Count - count);
        TypeIds.RemoveRange(count, TypeIds.Count - count);
    }

    public Encoding Build() => new([.. Ids], [.. Offsets], [.. TypeIds]);
}
