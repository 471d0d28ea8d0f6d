using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Threading.Channels;
using Fairlead.Engine.Architectures;
using Fairlead.Engine.Chat;
using Fairlead.Engine.Constraints;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation.Speculation;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Templates;
using Fairlead.Engine.Tokenizers;

namespace Fairlead.Engine.Generation;

/// <summary>A model that writes text: its files, its tokenizer, its chat templates, its layers, and the loop that answers with them.</summary>
/// <remarks>Any thread may call any member; the loop has a thread of its own. Whoever opens it disposes it, which ends every request.</remarks>
public sealed class LanguageModel : IDisposable
{
    private readonly ModelFolder _folder;
    private readonly Decoder _decoder;
    private readonly DecoderPass _pass;
    private readonly DraftModel? _draft;
    private readonly ImmutableDictionary<string, ChatTemplate> _templates;
    private readonly BatchLoop _loop;
    private readonly Lazy<ConstraintCompiler> _constraints;

    private LanguageModel(
        ModelFolder folder, Tokenizer tokenizer, ImmutableDictionary<string, ChatTemplate> templates, Decoder decoder, DraftModel? draft, int blocks, LanguageModelOptions options)
    {
        (_folder, Tokenizer, _templates, _decoder, _draft) = (folder, tokenizer, templates, decoder, draft);
        DecoderShape shape = decoder.Shape;
        SpecialTokens = NamedTokens(folder, tokenizer);
        EndTokens = EndsOf(folder, tokenizer, shape.VocabularySize);
        Kv = options.Kv;
        _constraints = new Lazy<ConstraintCompiler>(NewConstraints);
        _pass = decoder.NewPass();
        var model = new BatchModel(decoder.Step, _pass, shape.VocabularySize, shape.ContextLength, EndTokens, NewDecoder) { DependsOnPhase = decoder.DependsOnPhase, Draft = draft?.ForLoop() };
        _loop = new BatchLoop(model, LimitsOf(options), decoder.NewCache(blocks), options.DrawSeed ?? SystemChance, options.Time);
        _loop.Start();
    }

    /// <summary>The folder or file it was opened from.</summary>
    public string Path => _folder.Path;

    /// <summary>The model's configuration.</summary>
    public JsonConfig Config => _folder.Config;

    /// <summary>What the model's authors say of sampling and of ends.</summary>
    public GenerationDefaults Defaults => _folder.GenerationDefaults;

    /// <summary>Text to tokens and back.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>The tokens that templates know by a name: <c>bos_token</c>, <c>eos_token</c>, …, as <see cref="ChatTemplateInput.SpecialTokens"/> takes them.</summary>
    public IReadOnlyDictionary<string, string> SpecialTokens { get; }

    /// <summary>Tokens with which the model ends an answer.</summary>
    public ImmutableArray<int> EndTokens { get; }

    /// <summary>Scores in a row; ids from 0 to one less may stand in a prompt.</summary>
    public int VocabularySize => _decoder.Shape.VocabularySize;

    /// <summary>Most tokens of prompt and answer together: the model's, the option's or the cache's limit, whichever is least.</summary>
    public int ContextLimit => _loop.ContextLimit;

    /// <summary>What the loop does and has done.</summary>
    public GenerationCounters Counters => _loop.Counters;

    /// <summary>Makes constraints over this model's vocabulary. The first use reads the whole vocabulary and keeps it as a tree.</summary>
    public ConstraintCompiler Constraints => _constraints.Value;

    /// <summary>
    /// How the authors want it sampled, for requests that leave it open: <see cref="Defaults"/>, where a model that says <c>do_sample: false</c> is
    /// greedy and one that says nothing is drawn from as it is.
    /// </summary>
    public SamplingSettings DefaultSampling => new()
    {
        Temperature = Defaults.Sample == false ? 0 : (float)Math.Min(Defaults.Temperature ?? 1, 100),
        TopK = Math.Max(0, Defaults.TopK ?? 0),
        TopP = (float)(Defaults.TopP ?? 1),
        MinP = (float)(Defaults.MinP ?? 0),
        RepetitionPenalty = (float)Math.Clamp(Defaults.RepetitionPenalty ?? 1, 0.01, 100),
    };

    /// <summary>In what form it keeps keys and values.</summary>
    public KvType Kv { get; }

    /// <summary>How its matrices were made ready.</summary>
    public PackReport Packing => _decoder.Packing;

    /// <summary>The same of its draft; null without one.</summary>
    public PackReport? DraftPacking => _draft?.Packing;

    /// <summary>
    /// Begins to write the packed matrices to <see cref="LanguageModelOptions.Packs"/>, behind everything else that this machine does, where this load has packed them itself. To be called when
    /// nobody waits for the model any more; <see cref="Dispose"/> ends it.
    /// </summary>
    /// <returns>True when one more pack is there, of it or of its draft; false when none can be kept, which the store's log has said, or there is nothing to do. Never fails.</returns>
    public async Task<bool> KeepPack()
    {
        // Both begin before this returns: later the model may be gone.
        Task<bool> model = _decoder.KeepPack(), draft = _draft?.KeepPack() ?? Task.FromResult(false);
        return await model.ConfigureAwait(false) | await draft.ConfigureAwait(false);
    }

    /// <summary>The files that hold its weights, and those of its draft, as they were when they were opened.</summary>
    public ImmutableArray<FileStamp> Files => [.. _folder.Stamps, .. _draft?.Files ?? []];

    /// <summary>What <see cref="Open"/> with the same arguments will need. Reads configuration and headers, and no weight.</summary>
    /// <exception cref="ModelFileException">Something in it is refused: which file, where, why.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static ModelNeed Measure(string path, LanguageModelOptions options)
    {
        options.Check();
        using ModelFolder folder = ModelFolder.Open(path, outlineOnly: true);
        DecoderPlan plan = DecoderPlan.Read(folder, PlanOf(options));
        if (folder.Weights is GgufWeights gguf)
            plan.Tally.Restored(gguf.Restored);
        DecoderShape shape = plan.Shape;
        int blocks = BlocksFor(plan, options);
        using DraftPlan? draft = DraftOf(options, folder, plan, blocks, outlineOnly: true);
        return new ModelNeed
        {
            IsEncoder = false,
            Weights = plan.Packing.PeakBytes + folder.HeaderBytes + (draft?.WeightBytes ?? 0),
            Cache = plan.CacheBytes(blocks) + PrefixCache.BytesFor(blocks) + (draft?.CacheBytes ?? 0),
            Scratch = plan.RoomBytes + plan.PassBytes + BatchLoop.BytesFor(LimitsOf(options), shape.VocabularySize, shape.ContextLength)
                + ProcessNeed.Bytes(folder, shape.VocabularySize, options.Threads) + (draft?.ScratchBytes ?? 0) + RehearsedAnswers.BytesFor(plan, options.Guesses),
            Context = ContextFor(plan, blocks),
            LongestContext = plan.LongestContext,
            Slots = options.Slots,
            HasTools = HasTools(folder),
            LoadBytes = plan.Packing.LoadBytes + (draft?.Decoder.Packing.LoadBytes ?? 0),
            Files = [.. folder.Stamps, .. draft?.Folder.Stamps ?? []],
        };
    }

    /// <summary>Loads the model of a folder or a <c>.gguf</c> file and begins to take requests.</summary>
    /// <param name="path">Where it lies.</param>
    /// <param name="options">How it is served.</param>
    /// <param name="meter">Hears how far the load is; null where nobody waits for it: pages of the weights then come when they are first used.</param>
    /// <exception cref="ModelFileException">Something in it is refused: which file, where, why.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static LanguageModel Open(string path, LanguageModelOptions? options = null, LoadMeter? meter = null)
    {
        options ??= new LanguageModelOptions();
        options.Check();
        ModelFolder folder = ModelFolder.Open(path);
        Decoder? decoder = null;
        DraftPlan? planned = null;
        DraftModel? draft = null;
        try
        {
            DecoderPlan plan = DecoderPlan.Read(folder, PlanOf(options));
            using Rehearsal rehearsal = RehearsedAnswers.Begin(plan, options.Guesses); // beside all that follows
            Tokenizer tokenizer = Tokenizer.Of(folder);
            ImmutableDictionary<string, ChatTemplate> templates = folder.ChatTemplates.ToImmutableDictionary(
                static named => named.Key, named => Parse(folder, named.Key, named.Value));
            int blocks = BlocksFor(plan, options);
            planned = DraftOf(options, folder, plan, blocks, outlineOnly: false); // before a weight is read: it may be refused
            decoder = Decoder.Load(plan, meter, pack: PackFile.Of(plan.Packing, folder.Stamps, options.Packs));
            draft = planned is null ? null : DraftModel.Load(planned, tokenizer, decoder, plan.Packing, options.Packs, meter);
            rehearsal.Complete();
            return new LanguageModel(folder, tokenizer, templates, decoder, draft, blocks, options);
        }
        catch
        {
            ((IDisposable?)draft ?? planned)?.Dispose();
            decoder?.Dispose();
            folder.Dispose();
            throw;
        }
    }

    /// <summary>How a conversation becomes a prompt; null for a model that only continues text.</summary>
    /// <param name="withTools">The conversation offers tools: some models have a template of its own for that, named <c>tool_use</c>, as transformers looks for it.</param>
    public ChatTemplate? TemplateFor(bool withTools) =>
        withTools && _templates.TryGetValue("tool_use", out ChatTemplate? tools) ? tools : _templates.GetValueOrDefault(Formats.ChatTemplates.Default);

    /// <summary>Begins to answer, or says why not.</summary>
    /// <param name="cancellation">Takes the request back: the step that is being computed is its last.</param>
    /// <param name="events">What becomes of it, for one reader. Nobody need read it to its end, but whoever stops reading should cancel.</param>
    public bool TryStart(
        GenerationRequest request,
        CancellationToken cancellation,
        [NotNullWhen(true)] out ChannelReader<GenerationEvent>? events,
        [NotNullWhen(false)] out GenerationRefusal? refusal) => _loop.TryStart(request, cancellation, out events, out refusal);

    /// <summary>A token as a text of its own, as log-probabilities show it: half a character is U+FFFD, a special token its name.</summary>
    public string TextOf(int token)
    {
        ReadOnlySpan<byte> bytes = Tokenizer.BytesOf(token).Span;
        return bytes.IsEmpty ? Tokenizer.TokenOf(token) : System.Text.Encoding.UTF8.GetString(bytes);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _loop.Dispose();
        _pass.Dispose();
        _draft?.Dispose(); // before the decoder, whose threads it uses
        _decoder.Dispose();
        _folder.Dispose();
    }

    private ConstraintCompiler NewConstraints() => new(new TokenTrie(
        VocabularySize, Tokenizer.BytesOf, id => Tokenizer.IsSpecial(id) ? Tokenizer.TokenOf(id) : null, EndTokens.AsSpan()));

    private AnswerDecoder NewDecoder(bool skipSpecialTokens)
    {
        StreamDecoder decoder = Tokenizer.NewStreamDecoder(skipSpecialTokens);
        return new AnswerDecoder(decoder.Append, decoder.Flush);
    }

    private static Dictionary<string, string> NamedTokens(ModelFolder folder, Tokenizer tokenizer)
    {
        TokenizerOverrides overrides = folder.TokenizerConfig is { } config ? TokenizerOverrides.From(config) : new TokenizerOverrides();
        GenerationDefaults defaults = folder.GenerationDefaults;
        var named = new Dictionary<string, string>(overrides.OtherTokens, StringComparer.Ordinal);
        Name("bos_token", overrides.BeginOfText, tokenizer.BeginOfText ?? defaults.BeginOfText);
        Name("eos_token", overrides.EndOfText, tokenizer.EndOfText ?? (defaults.EndOfText is [int end, ..] ? end : null));
        return named;

        void Name(string name, string? text, int? id)
        {
            text ??= id is { } known ? tokenizer.TokenOf(known) : null;
            if (!string.IsNullOrEmpty(text))
                named[name] = text;
        }
    }

    private static ImmutableArray<int> EndsOf(ModelFolder folder, Tokenizer tokenizer, int vocabularySize)
    {
        ImmutableArray<int> ends = folder.GenerationDefaults.EndOfText;
        if (ends.IsEmpty && tokenizer.EndOfText is { } end)
            ends = [end];
        foreach (int id in ends)
        {
            if (id < 0 || id >= vocabularySize)
                throw new ModelFileException(folder.Path, null, $"its end token is {id}, and its vocabulary ends at {vocabularySize - 1}");
        }

        return ends;
    }

    private static DecoderOptions PlanOf(LanguageModelOptions options) => new()
    {
        ContextLength = options.ContextLength,
        LongestDefault = LanguageModelOptions.DefaultContext,
        RowsPerPass = options.StepTokens,
        Threads = options.Threads ?? 0,
        Kv = options.Kv,
        Quantize = options.Quantize,
    };

    internal static BatchLimits LimitsOf(LanguageModelOptions options) => new(options.Slots, options.Queue, options.StepTokens) { Stall = options.Stall, Guesses = options.Guesses };

    private static ChatTemplate Parse(ModelFolder folder, string name, string source) => ChatTemplate.Parse($"{folder.Path} (chat template \"{name}\")", source);

    /// <summary>
    /// Whether the template for tools can call them, found without a tokenizer, whose reading is most of what a small model's load costs: a mark is
    /// taken for a token where it stands as a text of its own in the vocabulary's file.
    /// </summary>
    private static bool HasTools(ModelFolder folder)
    {
        ImmutableDictionary<string, string> templates = folder.ChatTemplates;
        string name = templates.ContainsKey("tool_use") ? "tool_use" : Formats.ChatTemplates.Default;
        if (!templates.TryGetValue(name, out string? source))
            return false;
        TokenizerOverrides overrides = folder.TokenizerConfig is { } config ? TokenizerOverrides.From(config) : new TokenizerOverrides();
        return ChatFormat.Detect(Parse(folder, name, source), overrides.OtherTokens, folder.VocabularyHolds, []).HasToolCalls;
    }

    /// <summary>Blocks of the cache: every slot's whole context, or what the option leaves.</summary>
    private static int BlocksFor(DecoderPlan plan, LanguageModelOptions options)
    {
        long all = (long)options.Slots * KvCache.BlocksFor(plan.Shape.ContextLength);
        if (options.CacheBytes is { } budget)
        {
            long block = plan.CacheBytes(1);
            ArgumentOutOfRangeException.ThrowIfLessThan(budget, block, nameof(options.CacheBytes));
            all = Math.Min(all, budget / block);
        }

        return (int)Math.Min(all, int.MaxValue / KvCache.BlockPositions);
    }

    private static int ContextFor(DecoderPlan plan, int blocks) => (int)Math.Min(plan.Shape.ContextLength, (long)blocks * KvCache.BlockPositions);

    /// <summary>The draft that the options name; null without one.</summary>
    private static DraftPlan? DraftOf(LanguageModelOptions options, ModelFolder folder, DecoderPlan plan, int blocks, bool outlineOnly) =>
        options.Draft is { } path ? DraftPlan.Read(path, folder, ContextFor(plan, blocks), options, outlineOnly) : null;

    private static ulong SystemChance()
    {
        ulong chance = 0;
        RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(new Span<ulong>(ref chance)));
        return chance;
    }
}
