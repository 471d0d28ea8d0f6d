using System.Globalization;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Money;
using Fairlead.Domain.Naming;
using Fairlead.Gateway.Settings;

namespace Fairlead.Configuration;

/// <summary>A value of the configuration, with the place it came from.</summary>
internal abstract record Node(string Source, int Line);

/// <summary>A single value, as text.</summary>
internal sealed record Scalar(string Text, string Source, int Line) : Node(Source, Line);

internal sealed record Sequence(IReadOnlyList<Scalar> Items, string Source, int Line) : Node(Source, Line);

/// <summary>Keys in the order of the file.</summary>
internal sealed record Mapping(Dictionary<string, Node> Items, string Source, int Line) : Node(Source, Line)
{
    public Node? this[string key] => Items.GetValueOrDefault(key);

    public Mapping? Section(string key) => this[key] as Mapping;
}

/// <summary>Checks a tree against the shape: unknown keys, wrong kinds, impossible values; all of them at once.</summary>
internal static class ShapeCheck
{
    public static void Check(Node node, Shape shape, string path, List<ConfigurationError> errors)
    {
        switch (shape.Kind)
        {
            case ValueKind.Section:
            case ValueKind.Named:
                if (node is not Mapping mapping)
                {
                    errors.Add(At(node, $"{path} is {Found(node)}; a section with keys is expected."));
                    return;
                }
                foreach ((string key, Node value) in mapping.Items)
                {
                    string inner = path.Length == 0 ? key : $"{path}.{key}";
                    Shape? child = shape.Kind == ValueKind.Named ? shape.Children[0] : shape.Children.FirstOrDefault(c => c.Name == key);
                    if (child is null)
                        errors.Add(At(value, Unknown(inner, key, shape)));
                    else
                        Check(value, child, inner, errors);
                }
                return;
            case ValueKind.TextList:
                if (node is not Sequence)
                    errors.Add(At(node, $"{path} is {Found(node)}; a list such as [a, b] is expected."));
                return;
            default:
                if (node is not Scalar scalar)
                    errors.Add(At(node, $"{path} is {Found(node)}; {Expected(shape)} is expected."));
                else if (Wrong(scalar.Text, shape) is { } wrong)
                    errors.Add(At(node, $"{path} is '{wrong}'; {Expected(shape)} is expected.{Meant(scalar.Text, shape)}"));
                return;
        }
    }

    /// <summary>What a key takes, as the middle of a sentence.</summary>
    public static string Expected(Shape shape)
    {
        string range = (shape.Min, shape.Max) switch
        {
            ({ Length: > 0 } min, { Length: > 0 } max) => $" from {min} to {max}",
            ({ Length: > 0 } min, _) => $" of at least {min}",
            _ => "",
        };
        if (shape.Choices is { } choices)
            return string.Join(" or ", choices.Select(static c => $"'{c}'"));
        return shape.Kind switch
        {
            ValueKind.Flag => "true or false",
            ValueKind.Count => "a whole number" + range,
            ValueKind.Duration => "a duration" + (range.Length > 0 ? range : " such as 10s") + (shape.OrWord.Length > 0 ? $" or '{shape.OrWord}'" : ""),
            ValueKind.Size => "a size" + (range.Length > 0 ? range : " such as 20MiB"),
            ValueKind.Memory => "a size such as 12GiB or a share such as 75%",
            ValueKind.Tokens => "a number of tokens such as 128k" + range,
            ValueKind.Price => "US dollars per 1M tokens as plain decimal text such as 0.20",
            ValueKind.HourlyPrice => "US dollars an hour such as $0.60/hour",
            ValueKind.Budget => "an amount per day or month such as $20/month",
            ValueKind.Rate => "a rate per minute such as 60/min",
            ValueKind.Address => "an address and port such as 127.0.0.1:8080",
            ValueKind.Url => "an http or https URL without user name, query or fragment",
            _ => "a text",
        };
    }

    private static string? Wrong(string text, Shape shape)
    {
        bool right = (shape.OrWord.Length > 0 && text == shape.OrWord) || shape.Kind switch
        {
            ValueKind.Flag => text is "true" or "false",
            ValueKind.Count => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long n) && Within(n, shape, static t => long.Parse(t, CultureInfo.InvariantCulture)),
            ValueKind.Duration => Quantities.TryDuration(text, out TimeSpan span) && Within(span.Ticks, shape, static t => Quantities.TryDuration(t, out TimeSpan s) ? s.Ticks : 0),
            ValueKind.Size => Quantities.TrySize(text, out long bytes) && Within(bytes, shape, static t => Quantities.TrySize(t, out long b) ? b : 0),
            ValueKind.Memory => Quantities.TryPercent(text, out _)
                || (Quantities.TrySize(text, out long memory) && Within(memory, shape, static t => Quantities.TrySize(t, out long b) ? b : 0)),
            ValueKind.HourlyPrice => Quantities.TryHourlyPrice(text, out _),
            ValueKind.Tokens => Quantities.TryTokens(text, out long tokens) && Within(tokens, shape, static t => Quantities.TryTokens(t, out long k) ? k : 0),
            ValueKind.Price => NanoDollars.TryParseDollars(text, out _),
            ValueKind.Budget => Quantities.TryBudget(text, out Budget _),
            ValueKind.Rate => Quantities.TryRate(text, out _),
            ValueKind.Address => Addresses.TryParse(text, out _),
            ValueKind.Url => Addresses.TryUrl(text, out _),
            _ => shape.Choices is null ? text.Length > 0 : shape.Choices.Contains(text, StringComparer.Ordinal),
        };
        return right ? null : text.Length <= 60 ? text : text[..60] + "…";
    }

    private static bool Within(long value, Shape shape, Func<string, long> read) =>
        (shape.Min.Length == 0 || value >= read(shape.Min)) && (shape.Max.Length == 0 || value <= read(shape.Max));

    private static string Unknown(string path, string key, Shape shape)
    {
        string? nearest = Nearness.Nearest(shape.Children.Select(static c => c.Name), key);
        return $"{path} is not known. " + (nearest is not null ? $"Did you mean '{nearest}'?" : $"Known here: {string.Join(", ", shape.Children.Select(static c => c.Name))}.");
    }

    private static string Meant(string text, Shape shape) =>
        Nearness.Nearest(shape.Choices ?? [], text) is { } nearest ? $" Did you mean '{nearest}'?" : "";

    private static string Found(Node node) => node switch { Mapping => "a section", Sequence => "a list", Scalar { Text: "" } => "empty", Scalar s => $"'{(s.Text.Length <= 60 ? s.Text : s.Text[..60] + "…")}'", _ => "nothing" };

    private static ConfigurationError At(Node node, string message) => new(node.Source, node.Line, message);
}
