using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Fairlead.Worker;

/// <summary>What a model does and has done since its worker's start: a reading of counters that its loop keeps anyway.</summary>
/// <param name="Slots">Answers made at once.</param>
/// <param name="Running">Answers being made.</param>
/// <param name="Waiting">Requests inside that wait for a slot.</param>
internal sealed record WorkerFigures(int Slots, int Running, int Waiting)
{
    /// <summary>Tokens written; 0 for an encoder.</summary>
    public long TokensGenerated { get; init; }

    /// <summary>Tokens of prompts or texts that were computed.</summary>
    public long TokensRead { get; init; }

    /// <summary>Tokens of prompts that an earlier one had left in the cache.</summary>
    public long TokensCached { get; init; }

    /// <summary>Tokens written in a second of the last steps, all answers together; 0 while nothing is written.</summary>
    public double TokensPerSecond { get; init; }

    /// <summary>Steps of the model, or passes of the encoder.</summary>
    public long Steps { get; init; }

    /// <summary>Seconds in them.</summary>
    public double BusySeconds { get; init; }

    /// <summary>How full the last ones were, 0 to 1; 0 while nothing is computed.</summary>
    public double BatchFill { get; init; }

    /// <summary>Tokens guessed ahead; 0 for an encoder, as are the next four.</summary>
    public long TokensGuessed { get; init; }

    /// <summary>How many of them came true: each saved a step.</summary>
    public long TokensGuessedRight { get; init; }

    /// <summary>How many were guessed by a draft; the others were found in the text.</summary>
    public long TokensDrafted { get; init; }

    /// <summary>How many of those came true.</summary>
    public long TokensDraftedRight { get; init; }

    /// <summary>Seconds that the draft computed; they are among <see cref="BusySeconds"/>.</summary>
    public double DraftSeconds { get; init; }

    /// <summary>Blocks of the key/value cache; 0 for an encoder, as are the next two.</summary>
    public int BlocksTotal { get; init; }

    /// <summary>Blocks that running answers hold.</summary>
    public int BlocksUsed { get; init; }

    /// <summary>Blocks kept for prompts that begin alike, which make room for whoever needs it.</summary>
    public int BlocksKept { get; init; }

    /// <summary>As members of <c>/health</c>.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteNumber("slots", Slots);
        json.WriteNumber("running", Running);
        json.WriteNumber("waiting", Waiting);
        json.WriteNumber("tokens_generated", TokensGenerated);
        json.WriteNumber("tokens_read", TokensRead);
        json.WriteNumber("tokens_guessed", TokensGuessed);
        json.WriteNumber("tokens_guessed_right", TokensGuessedRight);
        json.WriteNumber("tokens_drafted", TokensDrafted);
        json.WriteNumber("tokens_drafted_right", TokensDraftedRight);
        json.WriteNumber("draft_seconds", Math.Round(DraftSeconds, 3));
        json.WriteNumber("busy_seconds", Math.Round(BusySeconds, 3));
        json.WriteNumber("tokens_per_second", Math.Round(TokensPerSecond, 2));
        json.WriteNumber("batch_fill", Math.Round(BatchFill, 3));
        json.WriteNumber("kv_blocks_used", BlocksUsed);
        json.WriteNumber("kv_blocks_total", BlocksTotal);
    }

    /// <summary>As Prometheus reads it (text format 0.0.4), with the process's resident bytes.</summary>
    public string ToPrometheus(long residentBytes)
    {
        var text = new StringBuilder();
        Add("tokens_generated_total", "counter", "Tokens written.", TokensGenerated);
        Add("tokens_read_total", "counter", "Tokens of prompts or texts computed.", TokensRead);
        Add("tokens_cached_total", "counter", "Tokens of prompts found in the cache.", TokensCached);
        Add("tokens_guessed_total", "counter", "Tokens guessed ahead.", TokensGuessed);
        Add("tokens_guessed_right_total", "counter", "Of those, tokens that came true: each saved a step.", TokensGuessedRight);
        Add("tokens_drafted_total", "counter", "Tokens guessed ahead by a draft.", TokensDrafted);
        Add("tokens_drafted_right_total", "counter", "Of those, tokens that came true.", TokensDraftedRight);
        Add("draft_seconds_total", "counter", "Seconds that a draft computed, within those in steps.", DraftSeconds);
        Add("steps_total", "counter", "Steps of the model.", Steps);
        Add("busy_seconds_total", "counter", "Seconds in steps of the model.", BusySeconds);
        Add("tokens_per_second", "gauge", "Tokens written in a second of the last steps.", TokensPerSecond);
        Add("batch_fill", "gauge", "How full the last steps were, 0 to 1.", BatchFill);
        Add("slots", "gauge", "Answers made at once.", Slots);
        Add("running", "gauge", "Answers being made.", Running);
        Add("waiting", "gauge", "Requests that wait for a slot.", Waiting);
        Add("kv_blocks_total", "gauge", "Blocks of the key/value cache.", BlocksTotal);
        Add("kv_blocks_used", "gauge", "Blocks that running answers hold.", BlocksUsed);
        Add("kv_blocks_kept", "gauge", "Blocks kept for prompts that begin alike.", BlocksKept);
        Add("resident_bytes", "gauge", "Memory of the process.", residentBytes);
        return text.ToString();

        void Add(string name, string kind, string help, double value) => text.Append(
            CultureInfo.InvariantCulture, $"# HELP fairlead_worker_{name} {help}\n# TYPE fairlead_worker_{name} {kind}\nfairlead_worker_{name} {value}\n");
    }
}
