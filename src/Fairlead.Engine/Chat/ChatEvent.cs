namespace Fairlead.Engine.Chat;

/// <summary>A piece of an assistant's turn as it is being written.</summary>
public abstract record ChatEvent
{
    private ChatEvent()
    {
    }

    /// <summary>More of the answer.</summary>
    public sealed record Content(string Text) : ChatEvent;

    /// <summary>More of what the model thinks before it answers.</summary>
    public sealed record Reasoning(string Text) : ChatEvent;

    /// <summary>A tool call begins; its arguments follow.</summary>
    /// <param name="Index">From 0, in the order of the text.</param>
    /// <param name="Id">The id that the model wrote, or one made from the parser's seed: nine letters and digits, which every template takes.</param>
    /// <param name="Name">The function.</param>
    public sealed record CallStarted(int Index, string Id, string Name) : ChatEvent;

    /// <summary>More of a call's arguments. All of them together are JSON text, mostly an object.</summary>
    public sealed record CallArguments(int Index, string Fragment) : ChatEvent;

    /// <summary>A tool call is over.</summary>
    /// <param name="IsComplete">False where the text ended inside the arguments, or what the model wrote as arguments is no JSON.</param>
    public sealed record CallEnded(int Index, bool IsComplete) : ChatEvent;
}
