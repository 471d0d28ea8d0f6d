using Fairlead.Protocols.Anthropic;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Translation;

/// <summary>What the parts of one translation share: where they write, what they have to name, and which rules they obey.</summary>
internal sealed class ChatDraft(JsonSink json, ClaudeRules rules, CacheMarks marks)
{
    private FieldNames? _adapted;
    private CacheMarks _marks = marks;

    public JsonSink Json { get; } = json;

    public ClaudeRules Rules { get; } = rules;

    /// <summary>Names of the fields that did not arrive with their meaning; null when all did.</summary>
    public string? Adapted => _adapted?.Joined;

    /// <summary>Marks asked for until now.</summary>
    public int Marks => _marks.Seen;

    /// <summary>Notes a field that did not arrive with its meaning.</summary>
    public void Note(string name) => (_adapted ??= new FieldNames()).Add(name);

    /// <summary>Writes the mark of a block, in Anthropic's words or in OpenAI's.</summary>
    /// <param name="cacheControl">Anthropic's; empty when there is none.</param>
    /// <param name="part">May have a mark, too.</param>
    public void Mark(ReadOnlySpan<byte> cacheControl, scoped ref ChatPart part)
    {
        ReadOnlySpan<byte> own = part.CacheControl.IsEmpty ? cacheControl : part.CacheControl;
        if (!own.IsEmpty)
        {
            Mark(own);
        }
        else if (part.Breakpoint)
        {
            bool taken = _marks.Take();
            if (taken)
                Json.Json("cache_control"u8, """{"type":"ephemeral","ttl":"1h"}"""u8); // the shortest that is at least OpenAI's half hour, and the longest there is
            if (!taken || part.KeptTwelveHours)
                Note("prompt_cache_breakpoint");
        }
    }

    /// <summary>Writes a mark in Anthropic's words.</summary>
    /// <param name="cacheControl">An object; empty when there is none.</param>
    public void Mark(ReadOnlySpan<byte> cacheControl)
    {
        if (cacheControl.IsEmpty)
            return;
        if (_marks.Take())
            Json.Json("cache_control"u8, cacheControl);
        else
            Note("cache_control");
    }
}
