using System.Globalization;
using System.Text;

namespace Fairlead.Bench;

/// <summary>Figures by row and contender; prints medians with their ranges, and the ratio to a baseline in the same run.</summary>
internal sealed class Table(IEnumerable<string> contenders)
{
    /// <summary>The upstream without anything in front of it.</summary>
    public const string Direct = "direct";

    private readonly List<string> _columns = [.. contenders];
    private readonly Dictionary<string, Dictionary<string, List<double>>> _rows = [];

    public void Add(string row, string contender, double value)
    {
        if (!_rows.TryGetValue(row, out Dictionary<string, List<double>>? cells))
            _rows[row] = cells = [];
        if (!cells.TryGetValue(contender, out List<double>? values))
            cells[contender] = values = [];
        values.Add(value);
    }

    /// <summary>By how much a contender's median in one row is larger than in another; null where it is in one of them alone.</summary>
    public double? Ratio(string contender, string row, string to) =>
        _rows.GetValueOrDefault(row)?.GetValueOrDefault(contender) is { } values && _rows.GetValueOrDefault(to)?.GetValueOrDefault(contender) is { } others
            ? Median(values) / Median(others)
            : null;

    public string ToMarkdown(string baseline)
    {
        var text = new StringBuilder();
        List<string> columns = [.. _columns, Direct];
        text.Append("| median [min–max]").Append(string.Concat(columns.Select(static c => $" | {c}"))).Append(" | Fairlead ÷ ").Append(baseline).AppendLine(" |");
        text.Append('|').Append(string.Concat(Enumerable.Repeat("---|", columns.Count + 2))).AppendLine();
        foreach ((string row, Dictionary<string, List<double>> cells) in _rows)
        {
            text.Append("| ").Append(row);
            foreach (string column in columns)
                text.Append(" | ").Append(cells.TryGetValue(column, out List<double>? values) ? Cell(values) : "–");
            double ratio = cells.TryGetValue(baseline, out List<double>? theirs) && cells.TryGetValue("Fairlead", out List<double>? ours)
                ? Median(ours) / Median(theirs)
                : double.NaN;
            text.Append(" | ").Append(double.IsNaN(ratio) ? "–" : ratio.ToString("0.00", CultureInfo.InvariantCulture)).AppendLine(" |");
        }
        return text.ToString();
    }

    private static string Cell(List<double> values) => values.Count == 1
        ? Number(values[0])
        : $"{Number(Median(values))} [{Number(values.Min())}–{Number(values.Max())}]";

    private static string Number(double value) => value.ToString(value < 10 ? "0.00" : value < 1000 ? "0.0" : "#,##0", CultureInfo.InvariantCulture);

    private static double Median(List<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
