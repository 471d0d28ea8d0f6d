using System.Globalization;

namespace Fairlead.Verbs;

/// <summary>Spans of time as a person says them.</summary>
internal static class Spans
{
    /// <summary>As <c>0.4 s</c>, <c>12 s</c>, <c>4 min</c>, <c>3.5 h</c>.</summary>
    public static string Text(double seconds)
    {
        (double number, string form) = seconds switch
        {
            < 9.95 => (seconds, "0.0' s'"),
            < 99.5 => (seconds, "0' s'"),
            < 5_970 => (seconds / 60, "0' min'"),
            _ => (seconds / 3600, "0.0' h'"),
        };
        return number.ToString(form, CultureInfo.InvariantCulture);
    }
}
