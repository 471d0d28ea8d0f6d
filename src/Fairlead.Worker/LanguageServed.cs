using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Fairlead.Domain.Problems;
using Fairlead.Engine.Chat;
using Fairlead.Engine.Constraints;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Templates;
using Fairlead.Worker.Answers;
using Fairlead.Worker.Requests;

namespace Fairlead.Worker;

/// <summary>A model that writes text, and what of it does not change from request to request.</summary>
internal sealed class LanguageServed : IDisposable
{
    private readonly LanguageModel _model;
    private readonly TimeProvider _clock;
    private readonly Lazy<ConversationFormat?> _plain;
    private readonly Lazy<ConversationFormat?> _withTools;

    private LanguageServed(LanguageModel model, TimeProvider clock)
    {
        _model = model;
        _clock = clock;
        _plain = new Lazy<ConversationFormat?>(() => ConversationFormat.Of(model, withTools: false));
        _withTools = new Lazy<ConversationFormat?>(() => ConversationFormat.Of(model, withTools: true));
        Defaults = model.DefaultSampling;
        Spelling = new TokenSpelling(model.TextOf, model.Tokenizer.BytesOf);
        Fingerprint = FingerprintOf(model);
    }

    /// <summary>How the model's makers want it sampled where a caller says nothing.</summary>
    public SamplingSettings Defaults { get; }

    /// <summary>Writes tokens with their log-probabilities.</summary>
    public TokenSpelling Spelling { get; }

    /// <summary>How its matrices were made ready.</summary>
    public PackReport Packing => _model.Packing;

    /// <summary>The same of its draft; null without one.</summary>
    public PackReport? DraftPacking => _model.DraftPacking;

    /// <summary>Begins to keep its packed weights for the next load.</summary>
    public Task<bool> KeepPack() => _model.KeepPack();

    /// <summary>Changes when the weights, the program, the context, the form of keys and values or the kernels do, as far as kernels differ: until then the same seed gives the same text.</summary>
    public string Fingerprint { get; }

    /// <exception cref="Engine.Formats.ModelFileException">It cannot be loaded.</exception>
    public static ModelNeed Measure(WorkerOptions options) => LanguageModel.Measure(options.Path, Chosen(options));

    /// <exception cref="Engine.Formats.ModelFileException">It cannot be loaded.</exception>
    public static LanguageServed Open(WorkerOptions options, PackStore? packs, LoadMeter meter, TimeProvider clock) =>
        new(LanguageModel.Open(options.Path, Chosen(options) with { Packs = packs }, meter), clock);

    /// <summary>Begins to answer a conversation; null with a problem where that cannot be.</summary>
    /// <param name="request">The request.</param>
    /// <param name="answerId">Makes the ids of tool calls, where the model writes none.</param>
    /// <param name="scope">Whose prompt it is.</param>
    /// <param name="gone">Ends the generation.</param>
    /// <param name="problem">What stands in the way.</param>
    public ChatTurn? Begin(ChatRequest request, string answerId, string? scope, CancellationToken gone, out Problem? problem)
    {
        if ((request.Tools is null ? _plain : _withTools).Value is not { } format)
        {
            problem = new Problem(ProblemKind.FieldInvalid, "This model continues text and holds no conversation: it has no chat template. Ask it at /v1/completions.", "messages");
            return null;
        }
        if (request.Tools is not null && !format.Chat.HasToolCalls)
        {
            // The gateway knows these words and passes the model over for an hour where others could call.
            problem = new Problem(ProblemKind.FieldInvalid, "This model does not support tools: its chat template has no way to call them that we know. Leave 'tools' out, or ask another model.", "tools");
            return null;
        }
        if (!TryRender(request, format, out string prompt, out problem) || !TryConstrain(Form(request, format, prompt, ref problem), out TokenConstraint? constraint, ref problem))
            return null;
        // The template has written every special token that the model wants.
        GenerationRequest asked = Ask(request.Settings, [.. _model.Tokenizer.Encode(prompt, addSpecialTokens: false).Ids], scope) with
        {
            Constraint = constraint,
            Logprobs = request.Logprobs is not null,
            TopLogprobs = request.Logprobs ?? 0,
            ContinuesPrompt = request.ContinueFinalMessage == true,
            SkipSpecialTokens = !format.NeedsSpecialTokens,
        };
        if (!_model.TryStart(asked, gone, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal))
        {
            problem = Refusal.Of(refusal, "messages");
            return null;
        }
        ImmutableArray<ChatOutputParser> parsers =
            [.. Enumerable.Range(0, request.Settings.Choices).Select(choice => format.Chat.NewParser(prompt, request.Tools, SeedOf(answerId, choice)))];
        return new ChatTurn(events, parsers, request.ParallelToolCalls ? int.MaxValue : 1);
    }

    /// <summary>Begins to complete; null with a problem where that cannot be.</summary>
    public CompletionTurn? Begin(CompletionRequest request, string? scope, CancellationToken gone, out Problem? problem)
    {
        problem = null;
        if (!TryConstrain(request.Format, out TokenConstraint? constraint, ref problem))
            return null;
        var events = ImmutableArray.CreateBuilder<ChannelReader<GenerationEvent>>(request.Prompts.Length);
        // One token for all: where a later prompt is refused, those before it are taken back.
        CancellationTokenSource all = CancellationTokenSource.CreateLinkedTokenSource(gone);
        foreach (Prompt prompt in request.Prompts)
        {
            ImmutableArray<int> ids = prompt.Text is { } text ? [.. _model.Tokenizer.Encode(text, request.AddSpecialTokens).Ids] : prompt.Ids;
            GenerationRequest asked = Ask(request.Settings, ids, scope) with
            {
                Constraint = constraint,
                Echo = request.Echo,
                Logprobs = request.Logprobs is not null,
                TopLogprobs = request.Logprobs ?? 0,
            };
            if (_model.TryStart(asked, all.Token, out ChannelReader<GenerationEvent>? one, out GenerationRefusal? refusal))
            {
                events.Add(one);
                continue;
            }
            all.Cancel();
            all.Dispose();
            problem = Refusal.Of(refusal, "prompt");
            return null;
        }
        return new CompletionTurn(events.ToImmutable(), request.Settings.Choices, all);
    }

    /// <summary>What <c>/health</c> tells of it.</summary>
    public void WriteFacts(Utf8JsonWriter json)
    {
        json.WriteString("kind", "language");
        json.WriteNumber("context_length", _model.ContextLimit);
    }

    /// <summary>The tokens of a text.</summary>
    public int[] Tokenize(string text, bool addSpecial) => _model.Tokenizer.Encode(text, addSpecial).Ids;

    /// <summary>The text of tokens, special ones as they are named.</summary>
    public string Detokenize(ReadOnlySpan<int> tokens) => _model.Tokenizer.Decode(tokens, skipSpecialTokens: false);

    /// <summary>Tokens of the vocabulary.</summary>
    public int VocabularySize => _model.VocabularySize;

    /// <summary>What it does and has done.</summary>
    public WorkerFigures Figures
    {
        get
        {
            GenerationCounters counters = _model.Counters;
            return new WorkerFigures(counters.Slots, counters.Running, counters.Waiting)
            {
                TokensGenerated = counters.CompletionTokens,
                TokensRead = counters.PromptTokens - counters.CachedTokens,
                TokensCached = counters.CachedTokens,
                TokensPerSecond = counters.TokensPerSecond,
                Steps = counters.Steps,
                BusySeconds = counters.BusySeconds,
                BatchFill = counters.BatchFill,
                TokensGuessed = counters.Guessed,
                TokensGuessedRight = counters.GuessedRight,
                TokensDrafted = counters.Drafted,
                TokensDraftedRight = counters.DraftedRight,
                DraftSeconds = counters.DraftSeconds,
                BlocksTotal = counters.Blocks,
                BlocksUsed = counters.Blocks - counters.FreeBlocks - counters.KeptBlocks,
                BlocksKept = counters.KeptBlocks,
            };
        }
    }

    public void Dispose() => _model.Dispose();

    private static LanguageModelOptions Chosen(WorkerOptions options)
    {
        var chosen = new LanguageModelOptions { ContextLength = options.Context, Threads = options.Threads, Quantize = Quantizing.TypeOf(options.Quantize), Draft = options.Draft };
        chosen = chosen with { Kv = KvForms.TypeOf(options.Kv) ?? chosen.Kv, Stall = options.Stall ?? chosen.Stall, Guesses = options.Guesses ?? chosen.Guesses };
        return options.Slots is { } slots ? chosen with { Slots = slots, StepTokens = Math.Max(chosen.StepTokens, slots) } : chosen;
    }

    private bool TryRender(ChatRequest request, ConversationFormat format, out string prompt, out Problem? problem)
    {
        problem = null;
        prompt = "";
        try
        {
            ChatTemplateInput input = ChatConversation.Prepare(request.Messages, request.Tools, format.Chat, request.ContinueFinalMessage);
            prompt = format.Template.Render(
                input with
                {
                    AddGenerationPrompt = request.AddGenerationPrompt ?? input.AddGenerationPrompt,
                    ContinueFinalMessage = input.ContinueFinalMessage && request.AddGenerationPrompt != true,
                    SpecialTokens = _model.SpecialTokens,
                    Variables = request.TemplateVariables,
                },
                _clock);
            return true;
        }
        catch (ChatRequestException e)
        {
            problem = new Problem(ProblemKind.FieldInvalid, Refusal.Bound($"{e.Message}. Models served here read text."), e.Parameter);
        }
        catch (ChatTemplateException e)
        {
            problem = new Problem(ProblemKind.FieldInvalid, Refusal.Bound($"The model's chat template does not take this conversation: {e.Reason}"), "messages");
        }
        return false;
    }

    /// <summary>What the answer must look like: as the caller says, or a tool call where there must be one.</summary>
    private static ConstraintSpec? Form(ChatRequest request, ConversationFormat format, string prompt, ref Problem? problem)
    {
        if (request.ToolUse != ToolUse.Required)
            return request.Format;
        ConstraintSpec? call = format.Chat.GrammarFor(request.Tools!.Value, prompt, request.RequiredTool, request.ParallelToolCalls);
        if (call is null)
            problem = new Problem(ProblemKind.FieldInvalid, "This model's way of writing tool calls cannot be forced. Set 'tool_choice' to \"auto\".", "tool_choice");
        return call;
    }

    /// <summary>The constraint of a form over this model's vocabulary; false with a problem where it cannot be kept, or there was one before.</summary>
    private bool TryConstrain(ConstraintSpec? form, out TokenConstraint? constraint, ref Problem? problem)
    {
        constraint = null;
        if (form is null || problem is not null)
            return problem is null;
        try
        {
            constraint = _model.Constraints.Start(form);
            return true;
        }
        catch (ConstraintException e)
        {
            problem = new Problem(ProblemKind.FieldInvalid, Refusal.Bound($"The form that the answer must have cannot be kept to: {e.Message}"), "response_format");
            return false;
        }
    }

    private static ulong SeedOf(string answerId, int choice) =>
        BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{answerId}/{choice}"))));

    private static GenerationRequest Ask(AnswerSettings settings, ImmutableArray<int> prompt, string? scope) => new()
    {
        Prompt = prompt,
        Sampling = settings.Sampling,
        MaxTokens = settings.MaxTokens,
        MinTokens = settings.MinTokens,
        Stop = settings.Stop,
        EndTokens = settings.EndTokens,
        Choices = settings.Choices,
        PrefixScope = scope,
    };

    private static string FingerprintOf(LanguageModel model)
    {
        var facts = new StringBuilder().Append(typeof(LanguageModel).Assembly.GetName().Version).Append('\n').Append(model.ContextLimit).Append('\n').Append(model.Kv).Append('\n');
        if (model.Packing.UsesTiles)
            facts.Append(model.Packing.Family).Append('\n');
        if (model.Packing.Quantized is { } quantized)
            facts.Append(quantized).Append('\n');
        IEnumerable<FileInfo> files = Directory.Exists(model.Path) ? new DirectoryInfo(model.Path).EnumerateFiles() : [new FileInfo(model.Path)];
        foreach (FileInfo file in files.OrderBy(static f => f.Name, StringComparer.Ordinal))
            facts.Append(file.Name).Append(' ').Append(file.Length).Append(' ').Append(file.LastWriteTimeUtc.Ticks).Append('\n'); // not the bytes: a load of gigabytes would be read twice
        return "fp_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(facts.ToString())))[..10];
    }
}
