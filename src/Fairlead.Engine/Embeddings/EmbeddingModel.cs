using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Fairlead.Engine.Architectures.Encoders;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;
using Fairlead.Engine.Tokenizers;

namespace Fairlead.Engine.Embeddings;

/// <summary>A model that turns texts into vectors: an encoder, its tokenizer, and what <c>modules.json</c> puts behind it.</summary>
/// <remarks>
/// A folder without <c>modules.json</c> is a plain encoder: the mean of its tokens' vectors, as sentence-transformers takes it. Safe for any
/// number of threads; a loop with a thread of its own computes for all of them. Texts are taken as they come: no blanks are stripped.
/// </remarks>
public sealed class EmbeddingModel : IDisposable
{
    private readonly ModelFolder _folder;
    private readonly Encoder _encoder;
    private readonly EmbeddingPipeline _pipeline;
    private readonly EmbeddingSettings _settings;
    private readonly Tokenizer _tokenizer;
    private readonly WorkCrew _crew;
    private readonly EmbeddingLoop _loop;

    private EmbeddingModel(ModelFolder folder, Encoder encoder, EmbeddingPipeline pipeline, EmbeddingSettings settings, Tokenizer tokenizer, WorkCrew crew, EmbeddingOptions options)
    {
        _folder = folder;
        _encoder = encoder;
        _pipeline = pipeline;
        _settings = settings;
        _tokenizer = tokenizer;
        _crew = crew;
        Dimension = pipeline.Outputs(encoder.Width);
        MaxTokens = Math.Min(encoder.MaxTokens, settings.MaxTokens ?? TokenizerLimit(folder.TokenizerConfig) ?? int.MaxValue);
        _loop = new EmbeddingLoop(new EncoderPasses(encoder, pipeline, crew).Compute, options.TokensPerPass, options.Slots, options.Queue);
        _loop.Start();
    }

    /// <summary>What the model does and has done.</summary>
    public EmbeddingCounters Counters => _loop.Counters;

    /// <summary>How its matrices were made ready.</summary>
    public PackReport Packing => _encoder.Packing;

    /// <summary>
    /// Begins to write the packed matrices to <see cref="EmbeddingOptions.Packs"/>, behind everything else that this machine does, where this load has packed them itself. To be called when
    /// nobody waits for the model any more; <see cref="Dispose"/> ends it.
    /// </summary>
    /// <returns>True when they are there; false when they cannot be kept, which the store's log has said, or there is nothing to do. Never fails.</returns>
    public Task<bool> KeepPack() => _encoder.KeepPack();

    /// <summary>Numbers of a vector.</summary>
    public int Dimension { get; }

    /// <summary>Longest input in tokens, special tokens included.</summary>
    public int MaxTokens { get; }

    /// <summary>Tokens of the vocabulary.</summary>
    public int VocabularySize => _encoder.VocabularySize;

    /// <summary>Beginnings of texts that the model was trained with, by name (<c>query</c>: <c>"query: "</c>). A caller who wants one puts it before the text.</summary>
    public IReadOnlyDictionary<string, string> Prompts => _settings.Prompts;

    /// <summary>Whether the folder or file at <paramref name="path"/> holds an encoder that <see cref="Open"/> would take, as far as its configuration tells.</summary>
    /// <exception cref="ModelFileException">It cannot be read.</exception>
    public static bool IsEmbeddingModel(string path)
    {
        if (!Directory.Exists(path))
            return HoldsBert(path);
        FolderFiles files = new(path);
        if (files.Locate("modules.json") is not null)
            return true;
        if (ModuleFiles.Optional(files, "config.json") is { } config)
            return config.TextOrNull("model_type") is { } type && EncoderArchitecture.IsKnown(type);
        return files.Names().Where(static name => name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)).ToArray() is [string only] && HoldsBert(files.Locate(only)!);
    }

    /// <summary>The files that hold its weights, as they were when they were opened.</summary>
    public ImmutableArray<FileStamp> Files => [.. _folder.Stamps, .. _pipeline.Stamps];

    /// <summary>What <see cref="Open"/> with the same arguments will need. Reads configuration and headers, and no weight but those of small layers behind the encoder.</summary>
    /// <exception cref="ModelFileException">As <see cref="Open"/>.</exception>
    public static ModelNeed Measure(string path, EmbeddingOptions options)
    {
        FolderFiles? files = Directory.Exists(path) ? new FolderFiles(path) : null;
        IReadOnlyList<EmbeddingModule>? modules = files is null ? null : EmbeddingPipeline.ReadModules(files);
        string transformer = modules?[0].Folder ?? "";
        using ModelFolder folder = ModelFolder.Open(transformer.Length == 0 ? path : Path.Combine(path, transformer), outlineOnly: true);
        EncoderPlan plan = EncoderPlan.Read(folder, options.Quantize);
        EncoderDesign design = plan.Design;
        using EmbeddingPipeline pipeline = modules is not null ? EmbeddingPipeline.Open(files!, modules, design.Width) : Plain(folder, design.Width);
        EmbeddingSettings settings = SettingsOf(files, transformer);
        if (folder.Weights is GgufWeights gguf)
            plan.Tally.Restored(gguf.Restored);
        int threads = options.Threads ?? Environment.ProcessorCount;
        int context = Math.Min(design.MaxTokens, settings.MaxTokens ?? TokenizerLimit(folder.TokenizerConfig) ?? int.MaxValue);
        return new ModelNeed
        {
            IsEncoder = true,
            Weights = plan.Packing.PeakBytes + folder.HeaderBytes + pipeline.Stamps.Sum(static stamp => stamp.Length),
            Cache = 0,
            Scratch = Encoder.RoomBytes(plan, options.TokensPerPass, threads) + PackedWeights.RoomBytes(plan.Packing, Encoder.RowsPerPass, threads)
                + ProcessNeed.Bytes(folder, design.Vocabulary, options.Threads) + RehearsedTexts.BytesFor(plan, threads),
            Context = context,
            LongestContext = context,
            Slots = options.Slots,
            HasTools = false,
            LoadBytes = plan.Packing.LoadBytes,
            Files = [.. folder.Stamps, .. pipeline.Stamps],
        };
    }

    /// <summary>Opens a folder as the Hub stores it.</summary>
    /// <param name="path">Where it lies.</param>
    /// <param name="options">How it is served.</param>
    /// <param name="meter">Hears how far the load is; null where nobody waits for it: pages of the weights then come when they are first used.</param>
    /// <exception cref="ModelFileException">A file is refused, or the model is of a kind that is not supported.</exception>
    public static EmbeddingModel Open(string path, EmbeddingOptions? options = null, LoadMeter? meter = null)
    {
        options ??= new EmbeddingOptions();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.TokensPerPass);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Slots);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Queue);
        FolderFiles? files = Directory.Exists(path) ? new FolderFiles(path) : null;
        IReadOnlyList<EmbeddingModule>? modules = files is null ? null : EmbeddingPipeline.ReadModules(files);
        string transformer = modules?[0].Folder ?? "";
        ModelFolder folder = ModelFolder.Open(transformer.Length == 0 ? path : Path.Combine(path, transformer));
        WorkCrew? crew = null;
        Encoder? encoder = null;
        EmbeddingPipeline? pipeline = null;
        try
        {
            crew = new WorkCrew(options.Threads ?? 0);
            EncoderPlan plan = EncoderPlan.Read(folder, options.Quantize);
            pipeline = modules is not null ? EmbeddingPipeline.Open(files!, modules, plan.Design.Width) : Plain(folder, plan.Design.Width);
            using Rehearsal rehearsal = RehearsedTexts.Begin(plan, pipeline, crew.Threads); // beside all that follows
            EmbeddingSettings settings = SettingsOf(files, transformer);
            Tokenizer tokenizer = Tokenizer.Of(folder);
            RehearsedTexts.Tokenize(tokenizer);
            encoder = Encoder.Load(plan, meter, crew: crew, pack: PackFile.Of(plan.Packing, folder.Stamps, options.Packs));
            rehearsal.Complete();
            return new EmbeddingModel(folder, encoder, pipeline, settings, tokenizer, crew, options);
        }
        catch
        {
            pipeline?.Dispose();
            encoder?.Dispose();
            crew?.Dispose();
            folder.Dispose();
            throw;
        }
    }

    /// <summary>The tokens of a text as <see cref="TryStart"/> would read it, but for the model's default beginning.</summary>
    public Encoding Tokenize(string text, bool addSpecialTokens) => _tokenizer.Encode(_settings.Lowercase ? text.ToLowerInvariant() : text, addSpecialTokens);

    /// <summary>The text of tokens.</summary>
    /// <param name="tokens">Below <see cref="VocabularySize"/>.</param>
    public string Detokenize(ReadOnlySpan<int> tokens) => _tokenizer.Decode(tokens, skipSpecialTokens: false);

    /// <summary>Begins to compute the vectors of <paramref name="inputs"/>, or says why not. Their tokens are made by the caller's thread.</summary>
    /// <param name="inputs">Any number.</param>
    /// <param name="cutLong">An input longer than <see cref="MaxTokens"/> loses its end, its special tokens stay; otherwise it is refused.</param>
    /// <param name="cancellationToken">Takes the request back; noticed between two texts and between two passes.</param>
    /// <param name="vectors">In the order of the inputs. Fails where computing does, and with it all requests of the same pass.</param>
    /// <param name="refusal">One of the inputs cannot be computed, and then none is; or as many requests wait as may.</param>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public bool TryStart(
        IReadOnlyList<EmbeddingInput> inputs,
        bool cutLong,
        CancellationToken cancellationToken,
        [NotNullWhen(true)] out Task<EmbeddingVector[]>? vectors,
        [NotNullWhen(false)] out EmbeddingRefusal? refusal)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        (vectors, refusal) = (null, null);
        var texts = new EncoderText[inputs.Count];
        for (int i = 0; i < texts.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            refusal = Tokens(inputs[i], i, cutLong, out texts[i]);
            if (refusal is not null)
                return false;
        }

        if (_loop.TryStart(texts, cancellationToken, out vectors))
            return true;
        refusal = new EmbeddingRefusal(0, false, "as many requests wait for this model as may; try again when some are done") { IsBusy = true };
        return false;
    }

    /// <summary>Ends the threads and unmaps the weights; requests that are not answered fail.</summary>
    public void Dispose()
    {
        _loop.Dispose();
        _crew.Dispose();
        _pipeline.Dispose();
        _encoder.Dispose();
        _folder.Dispose();
    }

    private static EmbeddingSettings SettingsOf(FolderFiles? files, string transformer) => files is not null
        ? EmbeddingSettings.Read(files, transformer)
        : new EmbeddingSettings(null, false, ImmutableDictionary<string, string>.Empty, "");

    private static bool HoldsBert(string path)
    {
        using GgufFile file = GgufFile.Open(path);
        return file.Text("general.architecture") == "bert";
    }

    private static EmbeddingPipeline Plain(ModelFolder folder, int width) => folder.Gguf is not { } gguf
        ? new EmbeddingPipeline(new Pooling(PoolingMode.Mean), [])
        : new EmbeddingPipeline(
            new Pooling(gguf.Integer("bert.pooling_type") switch
            {
                null or 1 => PoolingMode.Mean,
                2 => PoolingMode.FirstToken,
                3 => PoolingMode.LastToken,
                _ => throw gguf.Refuse("bert.pooling_type", "is a way of pooling that is not supported"),
            }),
            [new NormalizeStep(width)]); // GGUF does not say; llama-server normalises, and so do nearly all models that are converted

    // Where nobody set a limit, transformers writes a number of thirty digits here.
    private static int? TokenizerLimit(JsonElement? config) =>
        config is { } root && root.TryGetProperty("model_max_length", out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int limit) && limit > 0 ? limit : null;

    private EmbeddingRefusal? Tokens(EmbeddingInput input, int number, bool cutLong, out EncoderText text)
    {
        text = new([], [], false);
        if (input.Text is { } words)
        {
            string whole = _settings.DefaultPrompt + words;
            Encoding encoding = _tokenizer.Encode(_settings.Lowercase ? whole.ToLowerInvariant() : whole, addSpecialTokens: true);
            if (encoding.Ids.Length > MaxTokens && cutLong)
            {
                encoding = _tokenizer.Encode(_settings.Lowercase ? whole.ToLowerInvariant() : whole, addSpecialTokens: true, MaxTokens);
                text = new(encoding.Ids, encoding.TypeIds, true);
            }
            else
            {
                text = new(encoding.Ids, encoding.TypeIds, false);
            }
        }
        else
        {
            int[] ids = [.. input.Tokens ?? []];
            bool isCut = cutLong && ids.Length > MaxTokens;
            ids = isCut ? ids[..MaxTokens] : ids;
            text = new(ids, new int[ids.Length], isCut);
        }

        if (_encoder.Segments > 1 && text.Segments.AsSpan().IndexOfAnyExceptInRange(0, _encoder.Segments - 1) is >= 0 and var at)
            throw new ModelFileException(_folder.NameOf("tokenizer.json"), null, $"marks a token as segment {text.Segments[at]}, but the model has {_encoder.Segments}");
        if (text.Tokens.Length > MaxTokens)
            return new EmbeddingRefusal(number, true, $"input {number} has {text.Tokens.Length} tokens, and this model reads {MaxTokens}; shorten it, or ask for it to be cut");
        if (text.Tokens.Length == 0)
            return new EmbeddingRefusal(number, false, $"input {number} has no tokens; give at least one");
        int odd = text.Tokens.AsSpan().IndexOfAnyExceptInRange(0, VocabularySize - 1);
        return odd < 0 ? null : new EmbeddingRefusal(number, false, $"input {number} holds token {text.Tokens[odd]}; this model's vocabulary ends at {VocabularySize - 1}");
    }
}
