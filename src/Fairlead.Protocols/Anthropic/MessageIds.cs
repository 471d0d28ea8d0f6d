namespace Fairlead.Protocols.Anthropic;

/// <summary>Ids for messages that came without one.</summary>
internal static class MessageIds
{
    /// <summary><c>msg_</c> and what our id of the request has behind its own prefix.</summary>
    public static string For(string requestId) => string.Concat("msg_", requestId.AsSpan(requestId.IndexOf('_', StringComparison.Ordinal) + 1));
}
