using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Translation;

/// <summary>Writes the mark at the end of a whole request, up to which it is to be kept: <c>cache_control</c> at the top, which is what OpenAI's caching by itself comes to.</summary>
internal static class ChatCaching
{
    public static bool MarksTheEnd(ReadOnlySpan<byte> body, ScannedRequest request) => !request.Value(body, "cache_control").IsEmpty || (IsAsked(body, request) && !IsExplicit(body, request));

    public static void Write(ReadOnlySpan<byte> body, ScannedRequest request, ChatDraft draft)
    {
        ReadOnlySpan<byte> own = request.Value(body, "cache_control");
        if (!own.IsEmpty && own[0] == (byte)'{')
        {
            draft.Json.Json("cache_control"u8, own);
            return;
        }
        if (!IsAsked(body, request) || IsExplicit(body, request))
            return;
        bool day = JsonString.Of(request.Value(body, "prompt_cache_retention")).Is("24h"u8);
        if (day)
            draft.Note("prompt_cache_retention"); // an hour is the longest there is
        draft.Json.Json("cache_control"u8, day || Option(body, request, "ttl"u8).Exists ? """{"type":"ephemeral","ttl":"1h"}"""u8 : """{"type":"ephemeral"}"""u8);
    }

    private static bool IsAsked(ReadOnlySpan<byte> body, ScannedRequest request) =>
        !request.Value(body, "prompt_cache_key").IsEmpty || !request.Value(body, "prompt_cache_options").IsEmpty || !request.Value(body, "prompt_cache_retention").IsEmpty;

    /// <summary>Only what the caller marks is to be kept.</summary>
    private static bool IsExplicit(ReadOnlySpan<byte> body, ScannedRequest request) => Option(body, request, "mode"u8).Is("explicit"u8);

    private static JsonString Option(ReadOnlySpan<byte> body, ScannedRequest request, ReadOnlySpan<byte> wanted)
    {
        ReadOnlySpan<byte> options = request.Value(body, "prompt_cache_options");
        if (options.IsEmpty || options[0] != (byte)'{')
            return default;
        var cursor = new JsonCursor(options, JsonBounds.Scanned);
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            bool found = JsonText.Is(name, escaped, wanted);
            if (!cursor.Skip(out Range range) || found)
                return found ? JsonString.Of(options[range]) : default;
        }
        return default;
    }
}
