namespace Fairlead.Engine.Generation;

/// <summary>A request that was not begun, and why.</summary>
/// <param name="Reason">What kind of refusal this is.</param>
/// <param name="Message">In words for whoever wrote the request: what is wrong, and the numbers.</param>
public sealed record GenerationRefusal(RefusalReason Reason, string Message);

/// <summary>Kinds of refusal.</summary>
public enum RefusalReason
{
    /// <summary>The request asks for something that does not exist or is out of range; the same request is refused again.</summary>
    Invalid,

    /// <summary>The prompt is longer than the context; a shorter one is taken.</summary>
    ContextTooLong,

    /// <summary>As many requests wait as may; the same request may be taken later.</summary>
    QueueFull,

    /// <summary>The model is being unloaded.</summary>
    Closed,
}
