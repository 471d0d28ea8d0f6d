namespace Fairlead.Engine.Constraints;

/// <summary>A constraint cannot be used: where in it, and why. The message is meant for the person who wrote the schema or the expression.</summary>
/// <remarks>
/// Compiling ends every constraint it does not accept with this and with nothing else. An automaton that outgrows its memory while it answers
/// (an expression with exponentially many states, met late) ends the sequence with it too.
/// </remarks>
public sealed class ConstraintException : Exception
{
    /// <summary>Refuses the constraint at <paramref name="pointer"/> for <paramref name="reason"/>.</summary>
    public ConstraintException(string? pointer, string reason, Exception? cause = null)
        : base(pointer is null ? reason : $"at '{pointer}': {reason}", cause)
    {
        Pointer = pointer;
        Reason = reason;
    }

    /// <summary>JSON pointer (RFC 6901) into the schema, or <c>character N</c> of a regular expression; null where no place is to blame.</summary>
    public string? Pointer { get; }

    /// <summary>What is wrong and, where there is one, what would help.</summary>
    public string Reason { get; }
}
