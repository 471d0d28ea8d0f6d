using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Fairlead.Domain.Problems;
using Fairlead.Engine.Constraints;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Templates;
using Fairlead.Worker.Answers;
using Fairlead.Worker.Requests;

namespace Fairlead.Worker;

/// <summary>A model that writes text, and what of it does not change from request to request.</summary>
internal sealed class LanguageServed : IDisposable
{
    private readonly LanguageModel _model;
    private readonly TimeProvider _clock;

    private LanguageServed(LanguageModel model, TimeProvider clock)
    {
        _model = model;
        _clock = clock;
        Defaults = model.DefaultSampling;
        Spelling = new TokenSpelling(model.TextOf, model.Tokenizer.BytesOf);
        Fingerprint = FingerprintOf(model);
    }

    /// <summary>How the model's makers want it sampled where a caller says nothing.</summary>
    public SamplingSettings Defaults { get; }

    /// <summary>Writes tokens with their log-probabilities.</summary>
    public TokenSpelling Spelling { get; }

    /// <summary>Changes when the weights, the program or the context do: until then the same seed gives the same text.</summary>
    public string Fingerprint { get; }

    /// <exception cref="Engine.Formats.ModelFileException">It cannot be loaded.</exception>
    public static LanguageServed Open(WorkerOptions options, TimeProvider clock)
    {
        var chosen = new LanguageModelOptions { ContextLength = options.Context, Threads = options.Threads };
        if (options.Slots is { } slots)
            chosen = chosen with { Slots = slots, StepTokens = Math.Max(chosen.StepTokens, slots) };
        return new LanguageServed(LanguageModel.Open(options.Path, chosen), clock);
    }

    /// <summary>Begins to answer a conversation; null with a problem where that cannot be.</summary>
    public ChatTurn? Begin(ChatRequest request, string? scope, CancellationToken gone, out Problem? problem)
    {
        if (_model.TemplateFor(request.Tools is not null) is not { } template)
        {
            problem = new Problem(ProblemKind.FieldInvalid, "This model continues text and holds no conversation: it has no chat template. Ask it at /v1/completions.", "messages");
            return null;
        }
        if (request.Tools is not null)
        {
            problem = new Problem(ProblemKind.FieldInvalid, "'tools' are not called by models that this server runs itself in this version. Leave them out, or ask a provider.", "tools");
            return null;
        }
        string prompt;
        try
        {
            prompt = template.Render(
                new ChatTemplateInput
                {
                    Messages = request.Messages,
                    Tools = request.Tools,
                    AddGenerationPrompt = request.AddGenerationPrompt,
                    ContinueFinalMessage = request.ContinueFinalMessage,
                    SpecialTokens = _model.SpecialTokens,
                    Variables = request.TemplateVariables,
                },
                _clock);
        }
        catch (ChatTemplateException e)
        {
            problem = new Problem(ProblemKind.FieldInvalid, Refusal.Bound($"The model's chat template does not take this conversation: {e.Reason}"), "messages");
            return null;
        }
        if (!TryConstrain(request.Format, out TokenConstraint? constraint, out problem))
            return null;
        // The template has written every special token that the model wants.
        GenerationRequest asked = Ask(request.Settings, [.. _model.Tokenizer.Encode(prompt, addSpecialTokens: false).Ids], scope) with
        {
            Constraint = constraint,
            Logprobs = request.Logprobs is not null,
            TopLogprobs = request.Logprobs ?? 0,
            ContinuesPrompt = request.ContinueFinalMessage,
        };
        if (!_model.TryStart(asked, gone, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal))
        {
            problem = Refusal.Of(refusal, "messages");
            return null;
        }
        problem = null;
        return new ChatTurn(events);
    }

    /// <summary>Begins to complete; null with a problem where that cannot be.</summary>
    public CompletionTurn? Begin(CompletionRequest request, string? scope, CancellationToken gone, out Problem? problem)
    {
        if (!TryConstrain(request.Format, out TokenConstraint? constraint, out problem))
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
        problem = null;
        return new CompletionTurn(events.ToImmutable(), request.Settings.Choices, all);
    }

    /// <summary>What <c>/health</c> tells of it.</summary>
    public void WriteFacts(Utf8JsonWriter json)
    {
        json.WriteString("kind", "language");
        json.WriteNumber("context_length", _model.ContextLimit);
        json.WriteNumber("slots", _model.Counters.Slots);
        json.WriteNumber("running", _model.Counters.Running);
        json.WriteNumber("waiting", _model.Counters.Waiting);
    }

    public void Dispose() => _model.Dispose();

    /// <summary>The constraint of a form over this model's vocabulary; false with a problem where it cannot be kept.</summary>
    private bool TryConstrain(ConstraintSpec? format, out TokenConstraint? constraint, out Problem? problem)
    {
        constraint = null;
        problem = null;
        if (format is null)
            return true;
        try
        {
            constraint = _model.Constraints.Start(format);
            return true;
        }
        catch (ConstraintException e)
        {
            problem = new Problem(ProblemKind.FieldInvalid, Refusal.Bound($"'response_format' cannot be kept: {e.Message}"), "response_format");
            return false;
        }
    }

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
        var facts = new StringBuilder().Append(typeof(LanguageModel).Assembly.GetName().Version).Append('\n').Append(model.ContextLimit).Append('\n');
        IEnumerable<FileInfo> files = Directory.Exists(model.Path) ? new DirectoryInfo(model.Path).EnumerateFiles() : [new FileInfo(model.Path)];
        foreach (FileInfo file in files.OrderBy(static f => f.Name, StringComparer.Ordinal))
            facts.Append(file.Name).Append(' ').Append(file.Length).Append(' ').Append(file.LastWriteTimeUtc.Ticks).Append('\n'); // not the bytes: a load of gigabytes would be read twice
        return "fp_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(facts.ToString())))[..10];
    }
}
