using Fairlead.Domain.Problems;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Anthropic;

/// <summary>Checks the form of a <c>cache_control</c>: <c>{"type": "ephemeral", "ttl": "5m"}</c>. Which kinds and times there are is the provider's to say.</summary>
internal static class CacheControl
{
    /// <param name="value">As written, and not null.</param>
    /// <param name="name">Where it stands.</param>
    public static Problem? Check(ReadOnlySpan<byte> value, string name)
    {
        if (!JsonSpan.IsObject(value))
            return ValueReader.Wrong(value, name, "an object such as {\"type\": \"ephemeral\"}");
        ReadOnlySpan<byte> type = JsonMembers.Find(value, "type"u8);
        if (!JsonSpan.IsString(type))
            return ValueReader.Wrong(type, name + ".type", "\"ephemeral\"");
        ReadOnlySpan<byte> ttl = JsonMembers.Find(value, "ttl"u8);
        return JsonSpan.IsSet(ttl) && !JsonSpan.IsString(ttl) ? ValueReader.Wrong(ttl, name + ".ttl", "\"5m\" or \"1h\"") : null;
    }
}
