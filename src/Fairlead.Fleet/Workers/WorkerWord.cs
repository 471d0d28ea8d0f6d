using System.Globalization;

namespace Fairlead.Fleet.Workers;

/// <summary>What a worker of our own says on its standard output, a line each. Whatever else stands there is its log.</summary>
internal abstract record WorkerWord
{
    private const string NeedsMark = "needs ";
    private const string ProgressMark = "progress ";

    private WorkerWord()
    {
    }

    /// <summary><c>needs {…}</c>, before it reads a weight.</summary>
    /// <param name="Json">For <see cref="WorkerNeeds"/>.</param>
    public sealed record Needs(string Json) : WorkerWord;

    /// <summary><c>progress 0.62</c>, while it reads them.</summary>
    /// <param name="Share">Any number, and none: it is a stranger's.</param>
    public sealed record Progress(double Share) : WorkerWord;

    /// <summary><c>ready</c>.</summary>
    public sealed record Ready : WorkerWord;

    /// <summary><c>kept</c>, when it has kept the packed form of its weights.</summary>
    public sealed record Kept : WorkerWord;

    /// <summary>Null: the line is none of them.</summary>
    public static WorkerWord? Of(string line) => line switch
    {
        "ready" => new Ready(),
        "kept" => new Kept(),
        _ when line.StartsWith(ProgressMark, StringComparison.Ordinal) && double.TryParse(line.AsSpan(ProgressMark.Length), NumberStyles.Float, CultureInfo.InvariantCulture, out double share) => new Progress(share),
        _ when line.StartsWith(NeedsMark, StringComparison.Ordinal) => new Needs(line[NeedsMark.Length..]),
        _ => null,
    };
}
