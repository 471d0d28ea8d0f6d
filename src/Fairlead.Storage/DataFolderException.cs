namespace Fairlead.Storage;

/// <summary>The data folder cannot be used as it is. The message says what to do, with the exact command where there is one.</summary>
/// <param name="inUse">True when another process has it, which ends by itself or can be ended.</param>
public sealed class DataFolderException(string message, bool inUse = false) : IOException(message)
{
    public bool InUse => inUse;
}
