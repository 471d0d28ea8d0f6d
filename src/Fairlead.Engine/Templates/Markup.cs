using System.Text;

namespace Fairlead.Engine.Templates;

/// <summary>Texts that are HTML already, and how others become so: markupsafe's rules, which Jinja2 knows under the names of filters.</summary>
internal static class Markup
{
    /// <summary>Text for HTML, as markupsafe writes it.</summary>
    public static string Escape(string text, Budget budget)
    {
        StringBuilder escaped = new(text.Length);
        foreach (char c in text)
        {
            _ = c switch
            {
                '&' => escaped.Append("&amp;"),
                '<' => escaped.Append("&lt;"),
                '>' => escaped.Append("&gt;"),
                '"' => escaped.Append("&#34;"),
                '\'' => escaped.Append("&#39;"),
                _ => escaped.Append(c),
            };
        }

        budget.Build(escaped.Length);
        return escaped.ToString();
    }

    /// <summary>The filter <c>escape</c>: what is HTML already stays as it is.</summary>
    public static Value Escaped(Budget budget, Value value, Arguments arguments) =>
        value is TextValue { IsMarkup: true } ? value : EscapedAgain(budget, value, arguments);

    /// <summary>The filter <c>forceescape</c>.</summary>
    public static TextValue EscapedAgain(Budget budget, Value value, Arguments arguments) =>
        new(Escape(Printing.Text(value, budget), budget), isMarkup: true);

    /// <summary>The filter <c>safe</c>: the text is taken for HTML as it stands.</summary>
    public static TextValue Safe(Budget budget, Value value, Arguments arguments) => new(Printing.Text(value, budget), isMarkup: true);
}
