using System.Text.Json;

namespace Fairlead.Fleet.Workers;

/// <summary>What a worker says of itself now. Null is what it does not say: of another's engine no more is known than that it answers.</summary>
/// <param name="Status"><c>ready</c>, <c>loading</c>, or its own word.</param>
public sealed record WorkerHealth(string Status)
{
    /// <summary>0 to 1 while it loads.</summary>
    public double? Progress { get; init; }

    /// <summary><c>language</c> or <c>embedding</c>.</summary>
    public string? Kind { get; init; }

    /// <summary>Tokens of input and output together.</summary>
    public long? ContextLength { get; init; }

    public long? Slots { get; init; }

    /// <summary>Answers being made.</summary>
    public long? Running { get; init; }

    /// <summary>Requests that wait inside the worker.</summary>
    public long? Waiting { get; init; }

    /// <summary>Tokens written since its start.</summary>
    public long? TokensGenerated { get; init; }

    /// <summary>Tokens of prompts read since its start.</summary>
    public long? TokensRead { get; init; }

    /// <summary>Tokens guessed ahead since its start.</summary>
    public long? TokensGuessed { get; init; }

    /// <summary>How many of them came true.</summary>
    public long? TokensGuessedRight { get; init; }

    /// <summary>How many were guessed by a draft.</summary>
    public long? TokensDrafted { get; init; }

    /// <summary>How many of those came true.</summary>
    public long? TokensDraftedRight { get; init; }

    /// <summary>Seconds that its draft computed, of <see cref="BusySeconds"/>.</summary>
    public double? DraftSeconds { get; init; }

    /// <summary>Seconds in steps since its start.</summary>
    public double? BusySeconds { get; init; }

    /// <summary>How full its last steps were, 0 to 1.</summary>
    public double? BatchFill { get; init; }

    public long? KvBlocksUsed { get; init; }

    public long? KvBlocksTotal { get; init; }

    /// <summary>What it believes to occupy, in bytes.</summary>
    public long? ResidentBytes { get; init; }

    /// <summary>Reads the answer of <c>/health</c>. A body that is none of ours still shows that somebody answered: its fields are null.</summary>
    /// <param name="ready">Whether the answer's status was 2xx.</param>
    /// <param name="body">JSON, or anything at all.</param>
    public static WorkerHealth Parse(bool ready, ReadOnlySpan<byte> body)
    {
        var silent = new WorkerHealth(ready ? "ready" : "loading");
        var reader = new Utf8JsonReader(body);
        try
        {
            if (!JsonDocument.TryParseValue(ref reader, out JsonDocument? document))
                return silent;
            using (document)
            {
                JsonElement said = document.RootElement;
                if (said.ValueKind != JsonValueKind.Object)
                    return silent;
                return silent with
                {
                    Progress = Number(said, "progress"),
                    Kind = said.TryGetProperty("kind", out JsonElement kind) && kind.ValueKind == JsonValueKind.String ? kind.GetString() : null,
                    ContextLength = Count(said, "context_length"),
                    Slots = Count(said, "slots"),
                    Running = Count(said, "running"),
                    Waiting = Count(said, "waiting"),
                    TokensGenerated = Count(said, "tokens_generated"),
                    TokensRead = Count(said, "tokens_read"),
                    TokensGuessed = Count(said, "tokens_guessed"),
                    TokensGuessedRight = Count(said, "tokens_guessed_right"),
                    TokensDrafted = Count(said, "tokens_drafted"),
                    TokensDraftedRight = Count(said, "tokens_drafted_right"),
                    DraftSeconds = Number(said, "draft_seconds"),
                    BusySeconds = Number(said, "busy_seconds"),
                    BatchFill = Number(said, "batch_fill"),
                    KvBlocksUsed = Count(said, "kv_blocks_used"),
                    KvBlocksTotal = Count(said, "kv_blocks_total"),
                    ResidentBytes = Count(said, "resident_bytes"),
                };
            }
        }
        catch (JsonException)
        {
            return silent; // engines answer "OK", a page, or nothing
        }
    }

    private static long? Count(JsonElement said, string name) =>
        said.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long count) ? count : null;

    private static double? Number(JsonElement said, string name) =>
        said.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number) ? number : null;
}
