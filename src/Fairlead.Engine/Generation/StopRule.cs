using System.Collections.Immutable;
using System.Text;

namespace Fairlead.Engine.Generation;

/// <summary>Ends an answer at the first stop string, wherever the borders of its tokens lie, and gives away no part of that string.</summary>
/// <remarks>
/// Text that may be the beginning of a stop string is held back until it turns out to be one or not. One Knuth–Morris–Pratt automaton per
/// string (SIAM J. Comput. 6(2), 1977) makes the work linear in the text, whatever the strings are. The string that is complete first wins,
/// the longest of those that are complete at the same character: so the result does not depend on how the text was cut into pieces.
/// Characters are UTF-16 units; pieces and stop strings hold whole characters, so none is split.
/// </remarks>
internal sealed class StopRule
{
    /// <summary>Most strings a request may name (OpenAI takes 4).</summary>
    public const int MostStrings = 16;

    /// <summary>Longest string in UTF-16 units.</summary>
    public const int LongestString = 1024;

    private readonly ImmutableArray<string> _strings;
    private readonly int[][] _fallbacks;
    private readonly int[] _matched; // units of each string that the text so far ends with
    private readonly StringBuilder _held = new();

    /// <param name="strings">At most <see cref="MostStrings"/>, each 1…<see cref="LongestString"/> units long.</param>
    public StopRule(ImmutableArray<string> strings)
    {
        _strings = strings;
        _matched = new int[strings.Length];
        _fallbacks = new int[strings.Length][];
        for (int i = 0; i < strings.Length; i++)
            _fallbacks[i] = Fallbacks(strings[i]);
    }

    /// <summary>The string that ended the answer; null while none has.</summary>
    public string? Met { get; private set; }

    /// <summary>Takes the next piece of the answer and gives the text that can be given away: nothing of it is part of a stop string.</summary>
    public string Append(string text)
    {
        if (Met is not null || text.Length == 0)
            return "";
        int held = 0;
        for (int at = 0; at < text.Length; at++)
        {
            held = 0;
            for (int i = 0; i < _strings.Length; i++)
            {
                int matched = _matched[i] = Advance(i, _matched[i], text[at]);
                held = Math.Max(held, matched);
                if (matched == _strings[i].Length && matched > (Met?.Length ?? 0))
                    Met = _strings[i];
            }

            if (Met is null)
                continue;
            _held.Append(text, 0, at + 1);
            return _held.ToString(0, _held.Length - Met.Length);
        }

        if (held == 0 && _held.Length == 0)
            return text; // the usual case: nothing was held and nothing is, and the piece goes on as it came
        _held.Append(text);
        string free = _held.ToString(0, _held.Length - held);
        _held.Remove(0, free.Length);
        return free;
    }

    /// <summary>The answer has ended by itself: what was held back was no stop string after all.</summary>
    public string Rest()
    {
        string rest = Met is null ? _held.ToString() : "";
        _held.Clear();
        return rest;
    }

    private int Advance(int i, int matched, char next)
    {
        string pattern = _strings[i];
        while (matched > 0 && pattern[matched] != next)
            matched = _fallbacks[i][matched - 1];
        return pattern[matched] == next ? matched + 1 : 0;
    }

    /// <summary>For each prefix of the string: the length of the longest shorter prefix that it ends with.</summary>
    private static int[] Fallbacks(string pattern)
    {
        var fallbacks = new int[pattern.Length];
        for (int at = 1, matched = 0; at < pattern.Length; at++)
        {
            while (matched > 0 && pattern[at] != pattern[matched])
                matched = fallbacks[matched - 1];
            fallbacks[at] = pattern[at] == pattern[matched] ? ++matched : 0;
        }

        return fallbacks;
    }
}
