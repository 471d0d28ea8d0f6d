using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Translation;

/// <summary>Writes those options of a chat that stand by themselves.</summary>
internal static class ChatOptions
{
    /// <summary>Least <c>top_p</c> that models without sampling take; it is as good as none.</summary>
    private const double TopPTaken = 0.99;

    /// <summary>Least <c>top_p</c> beside thinking.</summary>
    private const double TopPWhileThinking = 0.95;

    public static void WriteThinking(in ThinkingPlan plan, ChatDraft draft)
    {
        JsonSink json = draft.Json;
        switch (plan.Words)
        {
            case ThinkingWords.Budget:
                json.Open("thinking"u8);
                json.Literal("type"u8, "enabled"u8);
                json.Number("budget_tokens"u8, plan.Budget);
                json.Close();
                break;
            case ThinkingWords.Adaptive:
                json.Open("thinking"u8);
                json.Literal("type"u8, "adaptive"u8);
                if (draft.Rules.HidesThinking)
                    json.Literal("display"u8, "summarized"u8); // who asks for reasoning gets to read it, as from others
                json.Close();
                break;
            case ThinkingWords.Disabled:
                json.Json("thinking"u8, """{"type":"disabled"}"""u8);
                break;
            case ThinkingWords.BetweenTools:
                json.Json("thinking"u8, """{"type":"between_tools"}"""u8);
                break;
            default:
                break;
        }
    }

    /// <summary>Writes <c>output_config</c>: effort, and the schema that the answer is to follow.</summary>
    public static void WriteOutput(ReadOnlySpan<byte> format, in ThinkingPlan plan, ChatDraft draft)
    {
        ReadOnlySpan<byte> schema = SchemaOf(format);
        if (plan.Effort is null && schema.IsEmpty)
            return;
        JsonSink json = draft.Json;
        json.Open("output_config"u8);
        if (plan.Effort is { } effort)
            json.Plain("effort"u8, effort);
        if (!schema.IsEmpty)
        {
            json.Open("format"u8);
            json.Literal("type"u8, "json_schema"u8);
            json.Json("schema"u8, schema);
            json.Close();
        }
        json.Close();
    }

    /// <summary>Temperature goes to 1 there and to 2 here; beside thinking, and with those models that have no sampling at all, only what changes nothing is taken.</summary>
    public static void WriteSampling(ReadOnlySpan<byte> body, ScannedRequest request, bool thinks, ChatDraft draft)
    {
        ReadOnlySpan<byte> temperature = Other(request.Value(body, "temperature"), 1);
        ReadOnlySpan<byte> topP = Other(request.Value(body, "top_p"), 1);
        ReadOnlySpan<byte> topK = request.Value(body, "top_k");
        bool sampling = draft.Rules.Sampling && !thinks;
        bool heated = !temperature.IsEmpty && Number(temperature) > 1;
        if (!temperature.IsEmpty && sampling)
            draft.Json.Json("temperature"u8, heated ? "1"u8 : temperature);
        if (!temperature.IsEmpty && (!sampling || heated))
            draft.Note("temperature");

        bool both = !temperature.IsEmpty && !draft.Rules.TemperatureWithTopP;
        bool takesTopP = sampling ? !both : !topP.IsEmpty && Number(topP) >= (draft.Rules.Sampling ? TopPWhileThinking : TopPTaken);
        if (!topP.IsEmpty && takesTopP)
            draft.Json.Json("top_p"u8, topP);
        else if (!topP.IsEmpty)
            draft.Note("top_p");

        if (topK.IsEmpty || !JsonText.TryWhole(topK, out long k) || k <= 0) // as other servers say that all are to be taken
            return;
        if (sampling)
            draft.Json.Number("top_k"u8, k);
        else
            draft.Note("top_k");
    }

    /// <summary>Anthropic takes no stop sequence of nothing but white space.</summary>
    public static void WriteStops(ReadOnlySpan<byte> stop, ChatDraft draft)
    {
        if (stop.IsEmpty)
            return;
        bool any = false;
        if (stop[0] != (byte)'[')
        {
            WriteStop(JsonString.Of(stop), draft, ref any);
        }
        else
        {
            var cursor = new JsonCursor(stop, JsonBounds.Scanned);
            cursor.Enter();
            bool first = true;
            while (cursor.NextElement(ref first) && cursor.Skip(out Range range))
                WriteStop(JsonString.Of(stop[range]), draft, ref any);
        }
        if (any)
            draft.Json.Close();
    }

    /// <summary>Writes for whom the caller asks, by the newer name of the two if there are both.</summary>
    public static void WriteUser(ReadOnlySpan<byte> body, ScannedRequest request, ChatDraft draft)
    {
        ReadOnlySpan<byte> user = request.Value(body, "user");
        ReadOnlySpan<byte> safety = request.Value(body, "safety_identifier");
        bool newer = EndUser.IsFit(safety);
        if (!newer && !EndUser.IsFit(user))
            return;
        draft.Json.Open("metadata"u8);
        draft.Json.Text("user_id"u8, JsonString.Of(newer ? safety : user));
        draft.Json.Close();
        if (newer && EndUser.IsFit(user) && !user.SequenceEqual(safety))
            draft.Note("user");
    }

    public static void WriteTier(ReadOnlySpan<byte> tier, ChatDraft draft)
    {
        if (tier.SequenceEqual("\"auto\""u8))
            draft.Json.Literal("service_tier"u8, "auto"u8);
        else if (tier.SequenceEqual("\"default\""u8))
            draft.Json.Literal("service_tier"u8, "standard_only"u8);
    }

    private static void WriteStop(JsonString stop, ChatDraft draft, ref bool any)
    {
        if (stop.IsBlank)
        {
            draft.Note("stop");
            return;
        }
        if (!any)
            draft.Json.OpenArray("stop_sequences"u8);
        any = true;
        draft.Json.Text(stop);
    }

    /// <summary>The schema, in whichever of the forms that clients send: OpenAI's, Together's flattened one, Hugging Face's with <c>value</c>.</summary>
    private static ReadOnlySpan<byte> SchemaOf(ReadOnlySpan<byte> format)
    {
        if (format.IsEmpty || format[0] != (byte)'{')
            return default;
        bool json = false;
        ReadOnlySpan<byte> wrapped = default;
        ReadOnlySpan<byte> flat = default;
        var cursor = new JsonCursor(format, JsonBounds.Scanned);
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            JsonKind kind = cursor.Peek();
            if (!cursor.Skip(out Range range))
                return default;
            ReadOnlySpan<byte> value = format[range];
            if (JsonText.Is(name, escaped, "type"u8))
                json = JsonString.Of(value) is var type && (type.Is("json_schema"u8) || type.Is("json_object"u8) || type.Is("json"u8));
            else if (kind == JsonKind.Object && JsonText.Is(name, escaped, "json_schema"u8))
                wrapped = Member(value, "schema"u8);
            else if (kind == JsonKind.Object && (JsonText.Is(name, escaped, "schema"u8) || JsonText.Is(name, escaped, "value"u8)))
                flat = value;
        }
        return !json ? default : wrapped.IsEmpty ? flat : wrapped;
    }

    private static ReadOnlySpan<byte> Member(ReadOnlySpan<byte> value, ReadOnlySpan<byte> wanted)
    {
        var cursor = new JsonCursor(value, JsonBounds.Scanned);
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            bool found = JsonText.Is(name, escaped, wanted) && cursor.Peek() == JsonKind.Object;
            if (!cursor.Skip(out Range range) || found)
                return found ? value[range] : default;
        }
        return default;
    }

    /// <summary>The number, unless it is the one that holds anyway.</summary>
    private static ReadOnlySpan<byte> Other(ReadOnlySpan<byte> number, double usual) => number.IsEmpty || Number(number) == usual ? default : number;

    private static double Number(ReadOnlySpan<byte> number) => JsonText.TryReal(number, out double value) ? value : 0;
}
