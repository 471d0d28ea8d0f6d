using Microsoft.Data.Sqlite;

namespace Fairlead.Storage.Sqlite;

/// <summary>The store cannot be used now: locked by another process, disk full or failing, or of a newer version. Trying again later is safe.</summary>
public sealed class StoreUnavailableException(string message, Exception? innerException = null) : IOException(message, innerException)
{
    /// <summary>True for the errors that are about the world and not about the statement.</summary>
    internal static bool IsMeantBy(SqliteException e) => e.SqliteErrorCode is
        5 /* BUSY */ or 6 /* LOCKED */ or 8 /* READONLY */ or 10 /* IOERR */ or 11 /* CORRUPT */ or 13 /* FULL */ or 14 /* CANTOPEN */ or 26 /* NOTADB */;
}
