namespace Fairlead.Worker.Answers;

/// <summary>What one step of a model adds to one choice of a chat, once the model's own way of writing calls and thoughts has been read.</summary>
internal abstract record ChatDelta
{
    private ChatDelta()
    {
    }

    /// <summary>Text of the answer.</summary>
    public sealed record Content(string Text) : ChatDelta;

    /// <summary>Text of the model's thoughts.</summary>
    public sealed record Reasoning(string Text) : ChatDelta;

    /// <summary>A tool call begins.</summary>
    /// <param name="Index">Of the call within the choice, from 0.</param>
    /// <param name="Id">Unique within the answer.</param>
    /// <param name="Name">The function.</param>
    public sealed record CallBegins(int Index, string Id, string Name) : ChatDelta;

    /// <summary>The next piece of a call's arguments, JSON as text.</summary>
    public sealed record CallArguments(int Index, string Text) : ChatDelta;
}
