using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Architectures;

/// <summary>The options of one <c>config.json</c>, read by an architecture that must account for every one of them.</summary>
/// <remarks>
/// Whoever publishes a model may switch on mathematics that its architecture has but this engine has not. A reader that takes the keys it
/// knows would then answer nonsense with confidence. So every key is either read, or named as one that changes nothing, or empty (null,
/// false, zero, an empty list): <see cref="Finish"/> refuses whatever else is left, by name.
/// Numbers are bounded where they are read, so no later arithmetic can overflow on them.
/// </remarks>
internal sealed class ConfigReader
{
    /// <summary>What serves a model that this engine does not.</summary>
    public const string Elsewhere = "llama-server (for a GGUF file) or vLLM may serve it.";

    /// <summary>What takes part in training, saving or generation settings only, whatever the architecture.</summary>
    private static readonly ImmutableArray<string> s_changesNothing =
    [
        "_attn_implementation_autoset", "_attn_implementation_internal", "_commit_hash", "_name_or_path", "architectures", "attention_dropout",
        "attn_implementation", "auto_map", "bad_words_ids", "begin_suppress_tokens", "bos_token_id", "cache_implementation", "decoder_start_token_id",
        "diversity_penalty", "do_sample", "dtype", "early_stopping", "embd_pdrop", "embedding_dropout", "eos_token_id", "finetuning_task",
        "forced_bos_token_id", "forced_eos_token_id", "hidden_dropout", "id2label", "initializer_range", "is_llama_config", "label2id",
        "length_penalty", "max_length", "max_new_tokens", "min_length", "model_type", "no_repeat_ngram_size", "num_beam_groups", "num_beams",
        "num_return_sequences", "output_attentions", "output_hidden_states", "output_router_logits", "output_scores", "pad_token_id", "prefix",
        "pretraining_tp", "problem_type", "repetition_penalty", "resid_pdrop", "residual_dropout", "return_dict", "return_dict_in_generate",
        "router_aux_loss_coef", "router_jitter_noise", "sep_token_id", "suppress_tokens", "task_specific_params", "temperature", "tokenizer_class",
        "top_k", "top_p", "torch_dtype", "torchscript", "transformers.js_config", "transformers_version", "typical_p", "unk_token_id",
        "unsloth_fixed", "unsloth_version", "use_cache",
    ];

    private readonly JsonConfig _config;
    private readonly HashSet<string> _accounted = new(s_changesNothing, StringComparer.Ordinal);

    /// <summary>Reads <paramref name="config"/>, of which no key is accounted for yet.</summary>
    public ConfigReader(JsonConfig config) => _config = config;

    /// <summary>The name of the file, for messages.</summary>
    public string File => _config.File;

    /// <summary>True where the key stands and is not null.</summary>
    public bool Has(string key) => _config.Has(key);

    /// <summary>True where the key stands, be it with null, which some architectures tell from a key that is missing.</summary>
    public bool Says(string key) => _config.Root.TryGetProperty(key, out _);

    /// <summary>A whole number between the bounds; <paramref name="missing"/> where the key is missing or null.</summary>
    /// <exception cref="ModelFileException">Missing without a stand-in, no whole number, or out of bounds.</exception>
    public int Int(string key, int min, int max, int? missing = null)
    {
        int value = missing is { } other && !Has(Accounted(key)) ? other : _config.Int(Accounted(key));
        return value >= min && value <= max ? value : throw _config.Refuse(key, $"must be a whole number from {min} to {max}");
    }

    /// <summary>A number between the bounds; <paramref name="missing"/> where the key is missing or null.</summary>
    /// <exception cref="ModelFileException">Missing without a stand-in, no number, or out of bounds.</exception>
    public double Number(string key, double min, double max, double? missing = null)
    {
        double value = missing is { } other && !Has(Accounted(key)) ? other : _config.Number(Accounted(key));
        return value >= min && value <= max ? value : throw _config.Refuse(key, string.Create(CultureInfo.InvariantCulture, $"must be a number from {min} to {max}"));
    }

    /// <summary>True or false; <paramref name="missing"/> where the key is missing or null.</summary>
    /// <exception cref="ModelFileException">Another kind of value.</exception>
    public bool Flag(string key, bool missing) => _config.Flag(Accounted(key), missing);

    /// <summary>A text; null where the key is missing or null.</summary>
    /// <exception cref="ModelFileException">Another kind of value.</exception>
    public string? Text(string key) => _config.TextOrNull(Accounted(key));

    /// <summary>A list of numbers of exactly <paramref name="length"/>; null where the key is missing or null.</summary>
    /// <exception cref="ModelFileException">Another kind of value or another length.</exception>
    public ImmutableArray<double>? Numbers(string key, int length) => OfLength(key, _config.Numbers(Accounted(key)), length);

    /// <summary>A list of texts of exactly <paramref name="length"/>; null where the key is missing or null.</summary>
    /// <exception cref="ModelFileException">Another kind of value or another length.</exception>
    public ImmutableArray<string>? Texts(string key, int length) => OfLength(key, _config.Texts(Accounted(key)), length);

    /// <summary>A list of whole numbers ≥ 0; null where the key is missing or null.</summary>
    /// <exception cref="ModelFileException">Another kind of value.</exception>
    public ImmutableArray<int>? Ints(string key) => _config.Ints(Accounted(key));

    /// <summary>An object with options of its own, to be finished by whoever reads it; null where the key is missing or null.</summary>
    /// <exception cref="ModelFileException">Another kind of value.</exception>
    public ConfigReader? Group(string key) => _config.Section(Accounted(key)) is { } section ? new ConfigReader(section) : null;

    /// <summary>The same for a group that is a configuration of its own, which <paramref name="read"/> makes of the file's name and the object.</summary>
    /// <exception cref="ModelFileException">Another kind of value, or one that <paramref name="read"/> refuses.</exception>
    public ConfigReader? Group(string key, Func<string, JsonElement, JsonConfig> read) =>
        _config.Section(Accounted(key)) is { } section ? new ConfigReader(read($"{File} ({key})", section.Root)) : null;

    /// <summary>Names keys that this architecture's reference implementation has, and that change nothing here.</summary>
    public void Ignore(params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys)
            _accounted.Add(key);
    }

    /// <summary>Accepts an option only with the value that this engine computes: <c>{"alibi": false}</c>.</summary>
    /// <exception cref="ModelFileException">It is switched the other way.</exception>
    public void Only(string key, bool supported, bool missing)
    {
        if (Flag(key, missing) != supported)
            throw Unsupported(key);
    }

    /// <summary>Accepts an option only where it is missing or names what this engine computes.</summary>
    /// <exception cref="ModelFileException">It names something else.</exception>
    public void Only(string key, string supported)
    {
        if (Text(key) is { } value && value != supported)
            throw Unsupported(key);
    }

    /// <summary>A refusal of the option as it stands: the engine knows it and has it not.</summary>
    public ModelFileException Unsupported(string key) => _config.Refuse(key, $"is an option with which this engine cannot run the model; {Elsewhere}");

    /// <summary>To be called when all is read.</summary>
    /// <exception cref="ModelFileException">An option was left that is not empty: it may change the mathematics.</exception>
    public void Finish()
    {
        foreach (JsonProperty property in _config.Root.EnumerateObject())
        {
            if (!_accounted.Contains(property.Name) && !IsEmpty(property.Value))
                throw _config.Refuse(property.Name, $"is an option that this engine does not know for this architecture, and that may change the model's answers; {Elsewhere}");
        }
    }

    private static bool IsEmpty(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => true,
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        JsonValueKind.Number => value.TryGetDouble(out double number) && number == 0,
        _ => false,
    };

    private string Accounted(string key)
    {
        _accounted.Add(key);
        return key;
    }

    private ImmutableArray<T>? OfLength<T>(string key, ImmutableArray<T>? list, int length) =>
        list is null || list.Value.Length == length ? list : throw _config.Refuse(key, $"must be a list of {length}");
}
