using System.Buffers;
using Fairlead.Protocols.Anthropic;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Translation;

/// <summary>Says an OpenAI chat in Anthropic's words (2023-06-01, and every later date to this day). What becomes of each field stands in <see cref="TranslationTable"/>.</summary>
/// <remarks>Texts, names and data go over as the bytes that came: both dialects escape alike. Only arguments of calls, which are JSON in a string there and JSON here, and files of
/// words in base 64 are decoded, into pooled memory.</remarks>
public static class ChatToMessages
{
    /// <summary>Writes the body that goes upstream.</summary>
    /// <param name="body">The caller's.</param>
    /// <param name="request">Scanned; what is bound to its dialect is written as far as it goes.</param>
    /// <param name="edits">The offer's.</param>
    /// <param name="output">The upstream's bytes.</param>
    public static void Write(ReadOnlySpan<byte> body, ScannedRequest request, in BodyEdits edits, IBufferWriter<byte> output) => Translate(body, request, edits, output);

    /// <summary>Names of the fields that do not arrive with their meaning, comma-separated; null when all do.</summary>
    /// <remarks>They are found by translating once more, into nothing: what is named and what is written cannot come to differ.</remarks>
    public static string? Adapted(ReadOnlySpan<byte> body, ScannedRequest request, in BodyEdits edits)
    {
        using var nothing = new Nothing();
        string? adapted = Translate(body, request, edits, nothing);
        if (request.Request.LostInTranslation is not { } lost || adapted is null)
            return request.Request.LostInTranslation ?? adapted;
        var names = new FieldNames();
        foreach (string name in $"{lost}, {adapted}".Split(", "))
            names.Add(name);
        return names.Joined;
    }

    private static string? Translate(ReadOnlySpan<byte> body, ScannedRequest request, in BodyEdits edits, IBufferWriter<byte> output)
    {
        ClaudeRules rules = ClaudeRules.Of(edits.ProviderModelId);
        CacheMarks marks = CacheMarks.Counting;
        if (body.IndexOf("cache_control"u8) >= 0 || body.IndexOf("prompt_cache_breakpoint"u8) >= 0)
        {
            using var nothing = new Nothing();
            int all = Translate(body, request, edits, new ChatDraft(new JsonSink(nothing), rules, marks)).Marks;
            marks = CacheMarks.Of(all, atTheEnd: ChatCaching.MarksTheEnd(body, request));
        }
        return Translate(body, request, edits, new ChatDraft(new JsonSink(output), rules, marks)).Adapted;
    }

    private static ChatDraft Translate(ReadOnlySpan<byte> body, ScannedRequest request, in BodyEdits edits, ChatDraft draft)
    {
        using var messages = new ChatMessages(request.Value(body, "messages"));
        var turns = new TurnWriter(messages, draft);
        ReadOnlySpan<byte> asked = request.Value(body, "tool_choice");
        ChatToolChoice choice = ChatToolChoice.Read(asked.IsEmpty ? request.Value(body, "function_call") : asked);
        JsonString effort = JsonString.Of(request.Value(body, "reasoning_effort"));
        ThinkingPlan plan = ThinkingPlan.Of(
            draft.Rules, effort.Exists ? effort.ToString() : null, request.Request.MaxOutputTokens, edits.MaxOutputTokens,
            mayThink: !turns.EndsWithAssistant && turns.LoopHasThinking, choice.Forces);
        if (plan.Adapted)
            draft.Note("reasoning_effort");

        JsonSink json = draft.Json;
        json.Open();
        json.Plain("model"u8, edits.ProviderModelId);
        json.Number("max_tokens"u8, plan.MaxTokens);
        if (request.Request.Stream)
            json.Json("stream"u8, "true"u8);
        ChatOptions.WriteThinking(plan, draft);
        ChatOptions.WriteOutput(request.Value(body, "response_format"), plan, draft);
        ChatOptions.WriteSampling(body, request, plan.Thinks, draft);
        ChatOptions.WriteStops(request.Value(body, "stop"), draft);
        ChatOptions.WriteUser(body, request, draft);
        ChatOptions.WriteTier(request.Value(body, "service_tier"), draft);
        ChatCaching.Write(body, request, draft);
        ChatTools.Write(body, request, ref choice, plan.Thinks, draft);
        turns.WriteSystem();
        turns.WriteMessages();
        json.Close();
        return draft;
    }

    /// <summary>Takes bytes and keeps none.</summary>
    private sealed class Nothing : IBufferWriter<byte>, IDisposable
    {
        private byte[] _bytes = ArrayPool<byte>.Shared.Rent(4096);

        public void Advance(int count)
        {
        }

        public Memory<byte> GetMemory(int sizeHint = 0) => Room(sizeHint);

        public Span<byte> GetSpan(int sizeHint = 0) => Room(sizeHint);

        public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);

        private byte[] Room(int atLeast)
        {
            if (_bytes.Length < atLeast)
            {
                ArrayPool<byte>.Shared.Return(_bytes);
                _bytes = ArrayPool<byte>.Shared.Rent(atLeast);
            }
            return _bytes;
        }
    }
}
