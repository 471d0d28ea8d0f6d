namespace Fairlead.Storage.Journal;

/// <summary>The record was not written: the disk is full or failing, or the store has not taken too much already.
/// New paid work is refused (<c>storage_full</c>); the journal recovers by itself.</summary>
public sealed class JournalUnavailableException : IOException
{
    public JournalUnavailableException(string message, Exception? innerException = null) : base(message, innerException)
    {
    }
}
