namespace Fairlead.Engine.Chat;

/// <summary>How a model marks what it thinks before it answers.</summary>
/// <param name="Open">Before the reasoning; may already stand at the end of the prompt.</param>
/// <param name="Close">After it.</param>
/// <param name="Dropped">Marks around the answer itself, which are no part of it.</param>
internal sealed record ReasoningSyntax(string Open, string Close, params IReadOnlyList<string> Dropped)
{
    /// <summary>The marks of the known families. The first whose both ends stand in the template is taken.</summary>
    public static IReadOnlyList<ReasoningSyntax> Known { get; } =
    [
        new("<think>", "</think>", "<response>", "</response>"),
        new("<seed:think>", "</seed:think>"),
        new("[THINK]", "[/THINK]"),
        new("<|START_THINKING|>", "<|END_THINKING|>", "<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>"),
        new("<|channel>thought\n", "<channel|>"),
        new("<|inner_prefix|>", "<|inner_suffix|>"),
        new("<|think|>", "<|end|>", "<|begin|>assistant", "<|content|>"),
        new("Here are my reasoning steps:\n", "[BEGIN FINAL RESPONSE]", "[END FINAL RESPONSE]"),
        new("<thinking>", "</thinking>"),
    ];

    /// <summary>What a template says, or null where it knows no reasoning.</summary>
    /// <param name="source">The template.</param>
    /// <param name="isToken">Whether the vocabulary has a token of that text: a model may think without its template saying so.</param>
    public static ReasoningSyntax? Detect(string source, Func<string, bool>? isToken)
    {
        // A template may write a line end as an escape.
        string text = source.Replace("\\n", "\n", StringComparison.Ordinal);
        ReasoningSyntax? found = Known.FirstOrDefault(syntax => text.Contains(syntax.Open, StringComparison.Ordinal) && text.Contains(syntax.Close, StringComparison.Ordinal))
            // One end alone is enough where no other mark is known: templates that only cut old reasoning name its end, others only its beginning.
            ?? Known.FirstOrDefault(syntax => syntax.Open[0] is '<' or '[' && (text.Contains(syntax.Open, StringComparison.Ordinal) || text.Contains(syntax.Close, StringComparison.Ordinal)) && syntax.Close != "<|end|>");
        return found ?? (isToken is null ? null : Known.FirstOrDefault(syntax => isToken(syntax.Open) && isToken(syntax.Close)));
    }
}
