namespace Fairlead.Storage.Journal;

/// <summary>A record whose checksum is right and whose content is not: written by a newer version, or by a bug. Never skipped.</summary>
public sealed class JournalFormatException(string message) : IOException(message);
