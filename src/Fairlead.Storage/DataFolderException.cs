namespace Fairlead.Storage;

/// <summary>The data folder cannot be used as it is. The message says what to do, with the exact command where there is one.</summary>
public sealed class DataFolderException(string message) : IOException(message);
