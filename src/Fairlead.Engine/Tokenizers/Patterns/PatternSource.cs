using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Tokenizers.Patterns;

/// <summary>The text of a pattern and the file it stands in, which whatever is refused about it names.</summary>
internal sealed record PatternSource(string File, string Text)
{
    /// <summary>Says what the pattern does, as in "repeats too much". Long patterns are cut short: a stranger's file does not fill a log.</summary>
    public ModelFileException Refusal(string what) => new(File, null, $"the pattern {(Text.Length <= 120 ? $"'{Text}'" : $"'{Text[..120]}…'")} {what}");
}
