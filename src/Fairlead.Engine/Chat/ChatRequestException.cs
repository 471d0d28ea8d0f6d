namespace Fairlead.Engine.Chat;

/// <summary>A conversation cannot be given to this model; the message is for whoever sent it.</summary>
public sealed class ChatRequestException : Exception
{
    /// <summary>Refuses what stands at <paramref name="parameter"/> (<c>messages[2].content[0]</c>).</summary>
    public ChatRequestException(string parameter, string reason, Exception? cause = null)
        : base($"{parameter}: {reason}", cause) => Parameter = parameter;

    /// <summary>Where in the request.</summary>
    public string Parameter { get; }
}
