using System.Collections.Immutable;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.OpenAi;

/// <summary>What has been read of a request so far, member by member; becomes a <see cref="ScannedRequest"/> when all is read and fits together.</summary>
internal sealed class RequestDraft(Route route, RequestLimits limits)
{
    private readonly MessageFacts _messages = new();
    private string? _asked;
    private List<string>? _models;
    private ProviderWishes? _wishes;
    private long? _maxTokens;
    private long? _maxCompletionTokens;
    private long _choices = 1;
    private bool _stream;
    private bool _includeUsage;
    private bool _hasContent;
    private Abilities _needs;
    private Parameters _uses;
    private EmbeddingEncoding _encoding;

    public List<TopMember> Members { get; } = new(12);

    /// <summary>Reads the value of one member; the cursor stands before it and behind it afterwards.</summary>
    public Problem? Read(string name, ref JsonCursor cursor, ReadOnlySpan<byte> body)
    {
        switch (name)
        {
            case "model":
                return ReadModel(ref cursor);
            case "models":
                return ValueReader.Strings(ref cursor, "models", limits.ListLength, out _models);
            case "provider":
                return ProviderWishes.Read(ref cursor, body, limits, out _wishes);
            case "messages" when route == Route.Chat:
                _hasContent = true;
                return MessageReader.Read(ref cursor, body, _messages);
            case "prompt" when route == Route.Completions:
                _hasContent = true;
                return InputReader.ReadPrompt(ref cursor);
            case "input" when route == Route.Embeddings:
                _hasContent = true;
                return InputReader.ReadInput(ref cursor, limits.EmbeddingInputs);
            case "encoding_format" when route == Route.Embeddings:
                return ReadEncoding(ref cursor);
            case "stream":
                return ValueReader.Bool(ref cursor, name, out _stream);
            case "stream_options":
                return ReadStreamOptions(ref cursor);
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
                return ValueReader.Real(ref cursor, body, name, 0, 2);
            case "top_p":
                return ValueReader.Real(ref cursor, body, name, 0, 1);
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
                return ValueReader.Any(ref cursor, name, "a string or an array of strings", JsonKind.String, JsonKind.Array);
            case "user":
                return ValueReader.Any(ref cursor, name, "a string", JsonKind.String);
            case "tools":
                return ReadTools(ref cursor);
            case "tool_choice":
                return ValueReader.Any(ref cursor, name, "\"auto\", \"none\", \"required\" or an object", JsonKind.String, JsonKind.Object);
            case "response_format":
                return ReadResponseFormat(ref cursor);
            default:
                if (Destinations.Contains(name))
                {
                    cursor.Skip();
                    return new Problem(ProblemKind.ProviderFieldRefused,
                        $"The field '{name}' would choose where this server connects or what it says there, and that is the operator's to decide. Remove it; providers are set in the configuration.", name);
                }
                cursor.Skip();
                return null;
        }
    }

    /// <summary>What can only be said when all members are known.</summary>
    public Problem? Check()
    {
        if (_asked is null)
            return new Problem(ProblemKind.FieldInvalid, "The field 'model' is missing. Name one of GET /v1/models.", "model");
        string needed = route switch { Route.Chat => "messages", Route.Completions => "prompt", _ => "input" };
        if (!_hasContent)
            return new Problem(ProblemKind.FieldInvalid, $"The field '{needed}' is missing. This route needs it.", needed);
        if (_stream && route == Route.Embeddings)
            return new Problem(ProblemKind.FieldInvalid, "Embeddings are not streamed. Leave 'stream' out or set it to false.", "stream");
        (_, RoutePolicy? policy, string? provider) = ModelSelector.Split(_asked);
        if (provider is not null && _wishes is { Only.IsEmpty: false } wishes && !wishes.Only.Contains(provider, StringComparer.OrdinalIgnoreCase))
        {
            return new Problem(ProblemKind.FieldInvalid,
                $"The model asks for provider '{RequestScanner.Show(provider)}' and 'provider.only' leaves it out. Drop one of the two.", "provider.only");
        }
        return policy == RoutePolicy.Provider && _models is not null
            ? new Problem(ProblemKind.FieldInvalid, "A model pinned to one provider has no fallbacks: drop the ':provider' selector or the 'models' list.", "models")
            : null;
    }

    public ScannedRequest Finish(int bodyBytes)
    {
        (string model, RoutePolicy? policy, string? provider) = ModelSelector.Split(_asked!);
        ProviderWishes wishes = _wishes ?? ProviderWishes.None;
        RoutePreferences preferences = policy is null && _wishes is null
            ? RoutePreferences.Default
            : new RoutePreferences
            {
                Policy = policy ?? wishes.Sort ?? RoutePolicy.Fastest,
                Pinned = provider,
                Order = wishes.Order,
                Only = wishes.Only,
                Ignore = wishes.Ignore,
                AllowFallbacks = wishes.AllowFallbacks,
                RequireParameters = wishes.RequireParameters,
                MaxInputPrice = wishes.MaxInputPrice,
                MaxOutputPrice = wishes.MaxOutputPrice,
            };
        // No tokenizer makes more tokens than there are bytes; image data is no text, and is counted by the image.
        long textBytes = bodyBytes - _messages.ImageBytes;
        if (_messages.Images > 0)
            _needs |= Abilities.Images;
        var request = new InferenceRequest
        {
            Route = route,
            Model = model,
            FallbackModels = _models ?? (IReadOnlyList<string>)[],
            Preferences = preferences,
            Stream = _stream,
            IncludeUsage = _includeUsage,
            MaxOutputTokens = (_maxTokens, _maxCompletionTokens) switch
            {
                ({ } a, { } b) => Math.Min(a, b), // both are limits, so the smaller holds
                _ => _maxTokens ?? _maxCompletionTokens,
            },
            Choices = (int)_choices,
            InputTokensAtMost = textBytes + _messages.Images * limits.TokensPerImageAtMost,
            InputTokensExpected = Math.Max(1, textBytes / 4) + _messages.Images * limits.TokensPerImageExpected,
            Needs = _needs,
            Uses = _uses,
        };
        return new ScannedRequest(request, _asked!, Members, _encoding, _messages.HasDeveloperRole, _messages.HasToolCallIds);
    }

    private Problem? ReadModel(ref JsonCursor cursor)
    {
        Problem? problem = ValueReader.Text(ref cursor, "model", out string? model);
        if (problem is not null || model is null)
            return problem ?? new Problem(ProblemKind.FieldInvalid, "'model' is null; a model's name is expected. Name one of GET /v1/models.", "model");
        if (model.Length == 0 || model.Length > limits.ModelLength || model.AsSpan().IndexOfAnyInRange('\0', ' ') >= 0 || model.Any(char.IsControl))
        {
            return new Problem(ProblemKind.FieldInvalid,
                $"'model' must be a name of 1 to {limits.ModelLength} characters without spaces or control characters. Name one of GET /v1/models.", "model");
        }
        _asked = model;
        return null;
    }

    private Problem? ReadEncoding(ref JsonCursor cursor)
    {
        Problem? problem = ValueReader.Text(ref cursor, "encoding_format", out string? text);
        if (problem is null && text is not (null or "float" or "base64"))
            return new Problem(ProblemKind.FieldInvalid, $"'encoding_format' is '{RequestScanner.Show(text)}'; \"float\" or \"base64\" is expected.", "encoding_format");
        _encoding = text == "base64" ? EmbeddingEncoding.Base64 : EmbeddingEncoding.Float;
        return problem;
    }

    private Problem? ReadStreamOptions(ref JsonCursor cursor)
    {
        if (cursor.Peek() == JsonKind.Null)
        {
            cursor.Skip();
            return null;
        }
        if (ValueReader.Wrong(ref cursor, "stream_options", "an object", JsonKind.Object) is { } wrong)
            return wrong;
        cursor.Enter();
        bool first = true;
        bool seen = false;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out _))
        {
            if (!name.SequenceEqual("include_usage"u8))
            {
                cursor.Skip();
                continue;
            }
            if (seen)
                return ValueReader.Twice("stream_options.include_usage");
            seen = true;
            if (ValueReader.Bool(ref cursor, "stream_options.include_usage", out _includeUsage) is { } problem)
                return problem;
        }
        return null;
    }

    private Problem? ReadTools(ref JsonCursor cursor)
    {
        if (cursor.Peek() == JsonKind.Null)
        {
            cursor.Skip();
            return null;
        }
        if (ValueReader.Wrong(ref cursor, "tools", "an array of tools", JsonKind.Array) is { } wrong)
            return wrong;
        cursor.Enter();
        bool first = true;
        int count = 0;
        while (cursor.NextElement(ref first))
        {
            if (ValueReader.Wrong(ref cursor, $"tools[{count}]", "an object", JsonKind.Object) is { } bad)
                return bad;
            cursor.Skip();
            count++;
        }
        if (count > 0)
        {
            _needs |= Abilities.Tools;
            _uses |= Parameters.Tools;
        }
        return null;
    }

    private Problem? ReadResponseFormat(ref JsonCursor cursor)
    {
        if (cursor.Peek() == JsonKind.Null)
        {
            cursor.Skip();
            return null;
        }
        if (ValueReader.Wrong(ref cursor, "response_format", "an object such as {\"type\": \"json_object\"}", JsonKind.Object) is { } wrong)
            return wrong;
        cursor.Enter();
        bool first = true;
        bool seen = false;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out _))
        {
            if (!name.SequenceEqual("type"u8))
            {
                cursor.Skip();
                continue;
            }
            if (seen)
                return ValueReader.Twice("response_format.type");
            seen = true;
            if (ValueReader.Text(ref cursor, "response_format.type", out string? type) is { } problem)
                return problem;
            if (type is not (null or "text"))
            {
                _needs |= Abilities.StructuredOutput;
                _uses |= Parameters.StructuredOutput;
            }
        }
        return null;
    }

    private Problem? Uses(Parameters parameters, Problem? problem)
    {
        _uses |= parameters;
        return problem;
    }

    /// <summary>Fields of other gateways' dialects by which a caller would choose a destination, a credential or a header (SSRF).</summary>
    private static readonly ImmutableHashSet<string> Destinations = ImmutableHashSet.Create(StringComparer.OrdinalIgnoreCase,
        "api_base", "api_key", "apikey", "apibase", "base_url", "baseurl", "baseURL", "url", "endpoint", "host", "proxy", "proxies", "http_proxy", "https_proxy", "headers", "extra_headers",
        "default_headers", "custom_llm_provider", "organization", "custom_host", "api_version", "azure_endpoint", "aws_access_key_id", "aws_secret_access_key",
        "aws_session_token", "vertex_credentials", "vertex_project", "authorization", "credentials", "custom_endpoint", "target_url", "webhook_url", "callback_url");
}
