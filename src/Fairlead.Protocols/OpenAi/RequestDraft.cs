using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.OpenAi;

/// <summary>What has been read of a request so far, member by member; becomes a <see cref="ScannedRequest"/> when all is read and fits together.</summary>
internal sealed class RequestDraft(Route route, RequestLimits limits) : IRequestDraft
{
    private static readonly KnownMembers Names = new(
        "model", "messages", "stream", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stream_options", "tools", "tool_choice",
        "response_format", "seed", "stop", "n", "prompt", "input", "encoding_format", "dimensions", "user", "frequency_penalty", "presence_penalty",
        "logprobs", "top_logprobs", "logit_bias", "reasoning_effort", "parallel_tool_calls", "models", "provider", "store", "metadata", "best_of",
        "functions", "echo", "suffix", "top_k", "min_p");

    private readonly MessageFacts _messages = new();
    private readonly RoutingFields _routing = new(limits);
    private long? _maxTokens;
    private long? _maxCompletionTokens;
    private long _choices = 1;
    private bool _stream;
    private bool _includeUsage;
    private bool _hasContent;
    private int _prompts = 1;
    private long _bestOf = 1;
    private bool _set;
    private Abilities _needs;
    private Parameters _uses;
    private EmbeddingEncoding _encoding;

    public KnownMembers Known => Names;

    public List<TopMember> Members { get; } = new(12);

    public Problem? Read(string name, ref JsonCursor cursor, ReadOnlySpan<byte> body)
    {
        _set = cursor.Peek() != JsonKind.Null;
        int start = cursor.Position;
        Problem? problem = ReadValue(name, ref cursor, body);
        if (route == Route.Chat && _set && problem is null && cursor.Fault is null)
            _messages.Fields.Judge(name, body[start..cursor.Position]);
        return problem;
    }

    private Problem? ReadValue(string name, ref JsonCursor cursor, ReadOnlySpan<byte> body)
    {
        switch (name)
        {
            case "model":
                return _routing.ReadModel(ref cursor);
            case "models":
                return _routing.ReadModels(ref cursor);
            case "provider":
                return _routing.ReadProvider(ref cursor, body);
            case "messages" when route == Route.Chat:
                _hasContent = true;
                return MessageReader.Read(ref cursor, body, _messages);
            case "prompt" when route == Route.Completions:
                _hasContent = true;
                return InputReader.ReadPrompt(ref cursor, body, limits.Choices, out _prompts);
            case "input" when route == Route.Embeddings:
                _hasContent = true;
                return InputReader.ReadInput(ref cursor, body, limits.EmbeddingInputs);
            case "encoding_format" when route == Route.Embeddings:
                return ReadEncoding(ref cursor);
            case "dimensions" when route == Route.Embeddings:
                return ValueReader.Whole(ref cursor, body, name, 1, int.MaxValue, out _);
            case "best_of" when route == Route.Completions:
                Problem? bad = ValueReader.Whole(ref cursor, body, name, 1, limits.Choices, out long? bestOf);
                _bestOf = bestOf ?? 1;
                return bad;
            case "echo" when route == Route.Completions:
                return ValueReader.Bool(ref cursor, name, out _);
            case "suffix" when route == Route.Completions:
                return ValueReader.Any(ref cursor, name, "a string", JsonKind.String);
            case "stream":
                return ValueReader.Bool(ref cursor, name, out _stream);
            case "stream_options":
                return OptionReader.StreamOptions(ref cursor, out _includeUsage);
            case "max_tokens":
                return ValueReader.Whole(ref cursor, body, name, 0, int.MaxValue, out _maxTokens);
            case "max_completion_tokens":
                return ValueReader.Whole(ref cursor, body, name, 0, int.MaxValue, out _maxCompletionTokens);
            case "n":
                Problem? problem = ValueReader.Whole(ref cursor, body, name, 1, limits.Choices, out long? choices);
                _choices = choices ?? 1;
                if (_choices > 1)
                    _uses |= Parameters.ManyChoices;
                return problem;
            case "temperature":
                problem = ValueReader.Real(ref cursor, body, name, 0, 2, out double? temperature);
                return Uses(temperature is null or 1 ? Parameters.None : Parameters.Temperature, problem);
            case "top_p":
                problem = ValueReader.Real(ref cursor, body, name, 0, 1, out double? topP);
                return Uses(topP is null or 1 ? Parameters.None : Parameters.TopP, problem);
            case "frequency_penalty" or "presence_penalty":
                return Uses(Parameters.Penalties, ValueReader.Real(ref cursor, body, name, -2, 2));
            case "seed":
                return Uses(Parameters.Seed, ValueReader.Whole(ref cursor, body, name, long.MinValue, long.MaxValue, out _));
            case "top_logprobs":
                return Uses(Parameters.LogProbs, ValueReader.Whole(ref cursor, body, name, 0, 20, out _));
            case "logprobs" when route == Route.Chat:
                problem = ValueReader.Bool(ref cursor, name, out bool logProbs);
                return Uses(logProbs ? Parameters.LogProbs : Parameters.None, problem);
            case "logprobs":
                return Uses(Parameters.LogProbs, ValueReader.Whole(ref cursor, body, name, 0, 20, out _));
            case "logit_bias":
                return Uses(Parameters.LogitBias, ValueReader.Any(ref cursor, name, "an object or an array", JsonKind.Object, JsonKind.Array));
            case "top_k":
                return Uses(Parameters.TopK, ValueReader.Whole(ref cursor, body, name, -1, int.MaxValue, out _));
            case "min_p":
                return Uses(Parameters.MinP, ValueReader.Real(ref cursor, body, name, 0, 1));
            case "parallel_tool_calls":
                return Uses(Parameters.ParallelToolCalls, ValueReader.Bool(ref cursor, name, out _));
            case "reasoning_effort":
                return Uses(Parameters.ReasoningEffort, ValueReader.Any(ref cursor, name, "a string such as \"low\"", JsonKind.String));
            case "stop":
                return OptionReader.Stop(ref cursor);
            case "user":
                return ValueReader.Any(ref cursor, name, "a string", JsonKind.String);
            case "tools" or "functions":
                problem = OptionReader.Tools(ref cursor, name, body, ref _messages.Fields, out bool anyTool);
                _needs |= anyTool ? Abilities.Tools : Abilities.None;
                _uses |= anyTool ? Parameters.Tools : Parameters.None;
                return problem;
            case "tool_choice":
                return ValueReader.Any(ref cursor, name, "\"auto\", \"none\", \"required\" or an object", JsonKind.String, JsonKind.Object);
            case "response_format":
                problem = OptionReader.ResponseFormat(ref cursor, ref _messages.Fields, out bool structured);
                _needs |= structured ? Abilities.StructuredOutput : Abilities.None;
                _uses |= structured ? Parameters.StructuredOutput : Parameters.None;
                return problem;
            default:
                return BodyScan.Unknown(Names, name, ref cursor);
        }
    }

    public Problem? Check()
    {
        if (_routing.CheckModel() is { } nameless)
            return nameless;
        string needed = route switch { Route.Chat => "messages", Route.Completions => "prompt", _ => "input" };
        if (!_hasContent)
            return new Problem(ProblemKind.FieldInvalid, $"The field '{needed}' is missing. This route needs it.", needed);
        if (_stream && route == Route.Embeddings)
            return new Problem(ProblemKind.FieldInvalid, "Embeddings are not streamed. Leave 'stream' out or set it to false.", "stream");
        if (_routing.CheckWishes() is { } contradiction)
            return contradiction;
        if (_bestOf > 1 && _bestOf < _choices)
            return new Problem(ProblemKind.FieldInvalid, $"'best_of' is {_bestOf} and 'n' is {_choices}; the best {_choices} are picked of at least as many. Raise 'best_of'.", "best_of");
        if (Answers > limits.Choices)
        {
            return new Problem(ProblemKind.FieldInvalid,
                $"{_prompts} prompts make {Answers} answers with 'n' or 'best_of'; at most {limits.Choices} are made for one request. Split it.", "prompt");
        }
        return _routing.CheckFallbacks("models");
    }

    /// <summary>Answers that are generated and paid: every prompt of a completion gets its own, and <c>best_of</c> are made where <c>n</c> are shown.</summary>
    private long Answers => _prompts * Math.Max(_choices, _bestOf);

    public ScannedRequest Finish(int bodyBytes)
    {
        (string model, RoutePreferences preferences) = _routing.Resolve();
        // No tokenizer makes more tokens than there are bytes; image data is no text, and is counted by the image.
        long textBytes = bodyBytes - _messages.ImageBytes;
        if (_messages.Images > 0)
            _needs |= Abilities.Images;
        var request = new InferenceRequest
        {
            Route = route,
            Model = model,
            FallbackModels = _routing.Fallbacks,
            Preferences = preferences,
            Stream = _stream,
            IncludeUsage = _includeUsage,
            MaxOutputTokens = (_maxTokens, _maxCompletionTokens) switch
            {
                ({ } a, { } b) => Math.Min(a, b), // both are limits, so the smaller holds
                _ => _maxTokens ?? _maxCompletionTokens,
            },
            Choices = (int)Answers,
            InputTokensAtMost = textBytes + _messages.Images * limits.TokensPerImageAtMost,
            InputTokensExpected = Math.Max(1, textBytes / 4) + _messages.Images * limits.TokensPerImageExpected,
            Needs = _needs,
            BoundToDialect = route == Route.Chat ? _messages.Fields.BoundNames : null,
            LostInTranslation = route == Route.Chat ? _messages.Fields.LostNames : null,
            Uses = _uses,
        };
        return new ScannedRequest(request, _routing.Asked!, Members, _encoding, _messages.HasDeveloperRole, _messages.HasToolCallIds);
    }

    private Problem? ReadEncoding(ref JsonCursor cursor)
    {
        Problem? problem = ValueReader.Text(ref cursor, "encoding_format", out string? text);
        if (problem is null && text is not (null or "float" or "base64"))
            return new Problem(ProblemKind.FieldInvalid, $"'encoding_format' is '{ValueReader.Show(text)}'; \"float\" or \"base64\" is expected.", "encoding_format");
        _encoding = text == "base64" ? EmbeddingEncoding.Base64 : EmbeddingEncoding.Float;
        return problem;
    }

    private Problem? Uses(Parameters parameters, Problem? problem)
    {
        if (_set) // null says the same as nothing
            _uses |= parameters;
        return problem;
    }
}
