namespace Fairlead.Fleet.Workers;

/// <summary>A worker did not come up, or is gone.</summary>
/// <param name="message">One sentence for the caller, at most 240 characters: what happened, in the worker's own last words where it had any.</param>
public sealed class WorkerFailedException(string message, Exception? cause = null) : Exception(message, cause);
