using System.Buffers;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers.Models;
using Fairlead.Engine.Tokenizers.Normalizers;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers;

/// <summary>A token that is recognised in the text itself, whatever the model would make of it: <c>added_tokens</c> in <c>tokenizer.json</c>.</summary>
/// <param name="Special">A control token rather than text: it can be left out when decoding.</param>
/// <param name="Normalized">Looked for in the normalized text, in its own normalized form; otherwise in the text as it came.</param>
/// <param name="LeftStrip">Takes the white space before it along.</param>
/// <param name="RightStrip">Takes the white space behind it along.</param>
/// <param name="SingleWord">Only where no word character stands next to it.</param>
internal sealed record AddedToken(
    int Id, string Content, bool Special, bool Normalized = false, bool LeftStrip = false, bool RightStrip = false, bool SingleWord = false);

/// <summary>Finds added tokens in a text: from the left, the longest first.</summary>
internal sealed class AddedTokens
{
    private readonly Dictionary<int, AddedToken> _byId = [];
    private readonly Dictionary<string, int> _byText = new(StringComparer.Ordinal);
    private readonly HashSet<string> _specialTexts = new(StringComparer.Ordinal);
    private readonly Finder _raw;
    private readonly Finder _normalized;

    public AddedTokens(string file, IReadOnlyList<AddedToken> tokens, Normalizer? normalizer)
    {
        _raw = new Finder(file);
        _normalized = new Finder(file);
        foreach (AddedToken token in tokens)
        {
            if (token.Content.Length > Vocabulary.LongestToken)
                throw new ModelFileException(file, null, $"the added token {token.Id} is {token.Content.Length} characters long; at most {Vocabulary.LongestToken} are read");
            _byId[token.Id] = token;
            _byText[token.Content] = token.Id;
            if (token.Special)
                _specialTexts.Add(token.Content);
            if (!token.Normalized)
                _raw.Add(token.Content, token);
            else
                _normalized.Add(Normal(token.Content, normalizer), token);
        }

        _raw.Close();
        _normalized.Close();
    }

    /// <summary>The added token of that number, if it is one.</summary>
    public AddedToken? Find(int id) => _byId.GetValueOrDefault(id);

    /// <summary>The number of the added token of that text, if there is one.</summary>
    public int? IdOf(string text) => _byText.TryGetValue(text, out int id) ? id : null;

    /// <summary>Whether a token of that text is left out when special tokens are skipped.</summary>
    public bool IsSpecial(string text) => _specialTexts.Contains(text);

    /// <summary>Cuts the caller's text at the tokens that are looked for before normalizing.</summary>
    public void CutRaw(ReadOnlySpan<char> text, List<Part> parts) => _raw.Cut(text, parts);

    /// <summary>Cuts normalized text at the other ones.</summary>
    public void CutNormalized(ReadOnlySpan<char> text, List<Part> parts) => _normalized.Cut(text, parts);

    private static string Normal(string content, Normalizer? normalizer) =>
        normalizer is null ? content : normalizer.Apply(AlignedText.Of(content.AsMemory(), 0)).Span.ToString();

    /// <summary>A stretch of a text: an added token, or with <paramref name="Id"/> −1 what lies between two.</summary>
    public readonly record struct Part(int Id, int Start, int End);

    private sealed class Finder(string file)
    {
        private readonly PrefixTree _tree = new(file, 64);
        private readonly List<AddedToken> _tokens = [];
        private readonly HashSet<char> _firstUnits = [];
        private SearchValues<char>? _first; // null: there is nothing to find

        public void Add(string text, AddedToken token)
        {
            if (text.Length == 0)
                return;
            _tree.Add(text, _tokens.Count);
            _tokens.Add(token);
            _firstUnits.Add(text[0]);
        }

        public void Close() => _first = _firstUnits.Count == 0 ? null : SearchValues.Create([.. _firstUnits]);

        public void Cut(ReadOnlySpan<char> text, List<Part> parts)
        {
            int done = 0;
            for (int at = 0; _first is not null && at < text.Length;)
            {
                int found = text[at..].IndexOfAny(_first);
                if (found < 0)
                    break;
                at += found;
                (int end, AddedToken? token) = LongestAt(text, at);
                if (token is null)
                {
                    at++;
                    continue;
                }

                (int start, int stop) = (at, end);
                at = end;
                if (token.SingleWord && (IsWordBefore(text, start) || IsWordAt(text, stop)))
                    continue;
                while (token.LeftStrip && start > 0 && char.IsWhiteSpace(text[start - 1]))
                    start--;
                while (token.RightStrip && stop < text.Length && char.IsWhiteSpace(text[stop]))
                    stop++;
                if (stop <= done)
                    continue; // white space that the token before has taken along
                start = Math.Max(start, done);
                if (done < start)
                    parts.Add(new Part(-1, done, start));
                parts.Add(new Part(token.Id, start, stop));
                done = stop;
            }

            if (done < text.Length)
                parts.Add(new Part(-1, done, text.Length));
        }

        private (int End, AddedToken? Token) LongestAt(ReadOnlySpan<char> text, int start)
        {
            int node = 0;
            (int End, AddedToken? Token) best = (start, null);
            for (int at = start; at < text.Length && _tree.TryStep(ref node, text[at], out int index); at++)
            {
                if (index >= 0)
                    best = (at + 1, _tokens[index]);
            }

            return best;
        }

        private static bool IsWordBefore(ReadOnlySpan<char> text, int at) => at > 0 && CodePoints.IsWord(CodePoints.Before(text, at, out _));

        private static bool IsWordAt(ReadOnlySpan<char> text, int at) => at < text.Length && CodePoints.IsWord(CodePoints.At(text, at, out _));
    }
}
