namespace Fairlead.Engine.Tokenizers;

/// <summary>A text and the pieces it has been cut into so far. A pre-tokenizer cuts them smaller, some also change the text.</summary>
/// <remarks>Pieces lie in the text's order, do not overlap and are never empty. What lies between them was thrown away.</remarks>
internal sealed class PieceList
{
    private List<(int Start, int End)> _pieces = [];
    private List<(int Start, int End)> _spare = [];

    public PieceList(AlignedText text)
    {
        Text = text;
        if (text.Length > 0)
            _pieces.Add((0, text.Length));
    }

    public AlignedText Text { get; private set; }

    public int Count => _pieces.Count;

    public (int Start, int End) this[int index] => _pieces[index];

    /// <summary>Cuts every piece by what <paramref name="cut"/> adds to the new list for it. Empty pieces are left out.</summary>
    public void Cut(Cutter cut)
    {
        _spare.Clear();
        foreach ((int start, int end) in _pieces)
            cut(Text.Span, start, end, this);
        (_pieces, _spare) = (_spare, _pieces);
    }

    /// <summary>Called while cutting: a piece of the new list.</summary>
    public void Add(int start, int end)
    {
        if (start < end)
            _spare.Add((start, end));
    }

    /// <summary>Rewrites every piece: <paramref name="rewrite"/> puts its new form into the builder.</summary>
    public void Rewrite(Action<AlignedText, int, int, AlignedText.Builder> rewrite)
    {
        var builder = new AlignedText.Builder(Text, Text.Length + (Text.Length >> 3) + 16);
        _spare.Clear();
        foreach ((int start, int end) in _pieces)
        {
            int before = builder.Count;
            rewrite(Text, start, end, builder);
            Add(before, builder.Count);
        }

        (_pieces, _spare) = (_spare, _pieces);
        Text = builder.Build();
    }

    /// <summary>Cuts the piece [<paramref name="start"/>, <paramref name="end"/>) of <paramref name="text"/> by calls of <see cref="Add"/>.</summary>
    public delegate void Cutter(ReadOnlySpan<char> text, int start, int end, PieceList pieces);
}
