using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers;

/// <summary>The tokens of a model by text and by number.</summary>
internal sealed class Vocabulary
{
    /// <summary>Above any number that a published model gives a token (the largest vocabularies have 262,144).</summary>
    public const int MostTokens = 1 << 22;

    /// <summary>Units of the longest token that is read; real ones end below 1,100.</summary>
    public const int LongestToken = 2048;

    private readonly string _file;
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _bySpan;
    private string?[] _tokens;

    public Vocabulary(string file, int expected)
    {
        _file = file;
        _ids = new Dictionary<string, int>(expected, StringComparer.Ordinal);
        _bySpan = _ids.GetAlternateLookup<ReadOnlySpan<char>>();
        _tokens = new string?[Math.Max(expected, 16)];
    }

    /// <summary>One more than the largest number in use.</summary>
    public int Size { get; private set; }

    /// <summary>How many texts there are.</summary>
    public int Count => _ids.Count;

    public IEnumerable<KeyValuePair<string, int>> Tokens => _ids;

    /// <summary>Adds a token. Of two with the same text the later wins, as in the reference; of two with the same number, its text.</summary>
    /// <exception cref="ModelFileException">The number or the text is out of bounds.</exception>
    public void Add(string token, long id)
    {
        if (id is < 0 or >= MostTokens)
            throw new ModelFileException(_file, null, $"a token has the number {id}; numbers from 0 to {MostTokens - 1} are read");
        if (token.Length > LongestToken)
            throw new ModelFileException(_file, null, $"token {id} is {token.Length} characters long; at most {LongestToken} are read");
        string text = CodePoints.Repaired(token);
        _ids[text] = (int)id;
        if (id >= _tokens.Length)
            Array.Resize(ref _tokens, (int)Math.Min(MostTokens, Math.Max(id + 1, _tokens.Length * 2L)));
        _tokens[id] = text;
        Size = Math.Max(Size, (int)id + 1);
    }

    public bool TryGet(ReadOnlySpan<char> token, out int id) => _bySpan.TryGetValue(token, out id);

    /// <summary>The text of a token; null for a number without one.</summary>
    public string? TextOf(int id) => (uint)id < (uint)_tokens.Length ? _tokens[id] : null;

    /// <summary>Numbers of the 256 tokens <c>&lt;0x00&gt;</c>…<c>&lt;0xFF&gt;</c>; −1 where one is missing.</summary>
    public int[] ByteTokens()
    {
        int[] ids = new int[256];
        for (int value = 0; value < 256; value++)
            ids[value] = TryGet($"<0x{value:X2}>", out int id) ? id : -1;
        return ids;
    }
}
