namespace Fairlead.Engine.Formats;

/// <summary>A model's file cannot be used: which file, where in it, why. The message is meant for the person who chose the file.</summary>
/// <remarks>
/// Every reader of this folder, of <c>Tokenizers</c> and of <c>Templates</c> ends a file it does not believe with this and with nothing
/// else: an <see cref="IndexOutOfRangeException"/> or an <see cref="OverflowException"/> out of a reader is a bug.
/// </remarks>
public sealed class ModelFileException : Exception
{
    /// <summary>Refuses <paramref name="file"/> at <paramref name="offset"/> (bytes from its beginning; null where no place is to blame).</summary>
    public ModelFileException(string file, long? offset, string reason, Exception? cause = null)
        : base(offset is { } at ? $"{file} at byte {at}: {reason}" : $"{file}: {reason}", cause)
    {
        File = file;
        Offset = offset;
        Reason = reason;
    }

    /// <summary>Name of the file as the caller gave it.</summary>
    public string File { get; }

    /// <summary>Where in the file, in bytes from its beginning; null where no place is to blame.</summary>
    public long? Offset { get; }

    /// <summary>What is wrong and, where there is one, what would help.</summary>
    public string Reason { get; }
}
