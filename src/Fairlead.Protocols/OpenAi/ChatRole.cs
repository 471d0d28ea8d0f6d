using Fairlead.Protocols.Translation;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Who speaks in a message.</summary>
internal enum ChatRole : byte
{
    /// <summary>Somebody whom no other dialect knows.</summary>
    Other = 0,
    System,
    Developer,
    User,
    Assistant,
    Tool,

    /// <summary>A function's result, as it was called before.</summary>
    Function,
}

internal static class ChatRoles
{
    public static ChatRole Of(JsonString role) =>
        role.Is("user"u8) ? ChatRole.User
        : role.Is("assistant"u8) ? ChatRole.Assistant
        : role.Is("system"u8) ? ChatRole.System
        : role.Is("tool"u8) ? ChatRole.Tool
        : role.Is("developer"u8) ? ChatRole.Developer
        : role.Is("function"u8) ? ChatRole.Function
        : ChatRole.Other;
}
