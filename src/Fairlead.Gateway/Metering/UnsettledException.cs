using Fairlead.Domain.Problems;
using Fairlead.Storage.Journal;

namespace Fairlead.Gateway.Metering;

/// <summary>A good answer has come, but its settlement could not be written: its end is not handed out.</summary>
internal sealed class UnsettledException(Problem problem, JournalUnavailableException cause) : Exception(cause.Message, cause)
{
    /// <summary>What the caller is told instead.</summary>
    public Problem Problem { get; } = problem;

    /// <param name="kept">The close waits for the journal; otherwise the next start closes the request with all it held.</param>
    /// <param name="withheld">Nothing of the answer has left.</param>
    public static Problem Describe(bool kept, bool withheld) => new(ProblemKind.StorageFull, (kept, withheld) switch
    {
        (false, _) => "The journal cannot be written right now, and too many requests wait to be settled in it. This one is charged with what was reserved for it, "
            + "as an estimate; tell the operator its id.",
        (true, true) => "The answer came, but the journal cannot be written right now, so it was not handed out. Nothing was charged. See /health; retry in 5 s.",
        (true, false) => "The journal cannot be written right now, so this stream ends without its last event. You have received the whole answer, and it is charged. See /health.",
    }, RetryAfter: TimeSpan.FromSeconds(5));
}
