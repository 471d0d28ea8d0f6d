using System.Text;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Anthropic;

/// <summary>What has been read of a message request so far; becomes a <see cref="ScannedRequest"/> when all is read and fits together.</summary>
internal sealed class MessagesDraft : IRequestDraft
{
    private static readonly KnownMembers Names = new(
        "model", "messages", "max_tokens", "system", "stream", "tools", "tool_choice", "temperature", "top_p", "top_k", "stop_sequences", "thinking",
        "metadata", "output_config", "output_format", "service_tier", "cache_control", "container", "mcp_servers", "context_management", "speed",
        "diagnostics", "inference_geo", "models", "provider", "fallbacks", "fallback_credit_token", "compaction", "thread", "billing_policy");

    private readonly Route _route;
    private readonly RequestLimits _limits;
    private readonly ConversationFacts _facts = new();
    private readonly ConversationReader _conversation;
    private readonly RoutingFields _routing;
    private List<string>? _fallbacks;
    private long? _maxTokens;
    private bool _stream;
    private bool _hasMessages;
    private Abilities _needs;
    private Parameters _uses;

    public MessagesDraft(Route route, RequestLimits limits)
    {
        _route = route;
        _limits = limits;
        _routing = new RoutingFields(limits);
        _conversation = new ConversationReader(_facts);
    }

    public KnownMembers Known => Names;

    public List<TopMember> Members { get; } = new(12);

    public Problem? Read(string name, ref JsonCursor cursor, ReadOnlySpan<byte> body)
    {
        switch (name)
        {
            case "model":
                return _routing.ReadModel(ref cursor);
            case "models":
                return _routing.ReadModels(ref cursor);
            case "provider":
                return _routing.ReadProvider(ref cursor, body);
            case "messages":
                _hasMessages = true;
                return _conversation.ReadMessages(ref cursor, body);
            case "system":
                return _conversation.ReadSystem(ref cursor, body);
            case "max_tokens":
                return ValueReader.Whole(ref cursor, body, name, 0, int.MaxValue, out _maxTokens);
            case "stream":
                return ValueReader.Bool(ref cursor, name, out _stream);
            case "temperature":
                return ReadShare(ref cursor, body, name, Parameters.Temperature);
            case "top_p":
                return ReadShare(ref cursor, body, name, Parameters.TopP);
            case "top_k":
                Problem? problem = ValueReader.Whole(ref cursor, body, name, 0, int.MaxValue, out long? topK);
                _uses |= topK is null ? Parameters.None : Parameters.TopK;
                return problem;
            default:
                bool set = cursor.Peek() != JsonKind.Null; // null says the same as nothing
                if (!Names.Contains(name))
                {
                    problem = BodyScan.Unknown(Names, name, ref cursor);
                    if (problem is null && set)
                        _facts.Lost.Add("", Encoding.UTF8.GetBytes(name));
                    return problem;
                }
                return cursor.Skip(out Range range) && set ? ReadOption(name, body[range]) : null;
        }
    }

    public Problem? Check()
    {
        if (_routing.CheckModel() is { } nameless)
            return nameless;
        if (!_hasMessages)
            return new Problem(ProblemKind.FieldInvalid, "The field 'messages' is missing. This route needs it.", "messages");
        if (_route == Route.Messages && _maxTokens is null)
        {
            return new Problem(ProblemKind.FieldInvalid,
                "The field 'max_tokens' is missing. Say how many tokens the answer may have at most, such as \"max_tokens\": 1024.", "max_tokens");
        }
        if (_stream && _route == Route.CountTokens)
            return new Problem(ProblemKind.FieldInvalid, "A count of tokens is not streamed. Leave 'stream' out or set it to false.", "stream");
        if (_fallbacks is not null && _routing.HasFallbacks)
            return new Problem(ProblemKind.FieldInvalid, "'models' and 'fallbacks' both name models to fall back on. Send one of them.", "fallbacks");
        if (_fallbacks is { Count: > 0 })
            _routing.Take(_fallbacks);
        return _routing.CheckWishes() ?? _routing.CheckFallbacks(_fallbacks is { Count: > 0 } ? "fallbacks" : "models");
    }

    public ScannedRequest Finish(int bodyBytes)
    {
        (string model, RoutePreferences preferences) = _routing.Resolve();
        if (_facts.Images > 0)
            _needs |= Abilities.Images;
        if (_maxTokens == 0)
            _facts.Bound.Add("max_tokens"); // fills a cache and answers nothing: no other dialect has a word for it
        // No tokenizer makes more tokens than there are bytes; pictures and pages are no text, and are counted apart.
        long textBytes = bodyBytes - _facts.ImageBytes - _facts.DocumentBytes;
        var request = new InferenceRequest
        {
            Route = _route,
            Model = model,
            FallbackModels = _routing.Fallbacks,
            Preferences = preferences,
            Stream = _stream,
            IncludeUsage = true, // a message always tells it
            MaxOutputTokens = _maxTokens,
            InputTokensAtMost = textBytes + _facts.Images * _limits.TokensPerImageAtMost + _limits.DocumentTokensAtMost(_facts.Documents, _facts.DocumentBytes),
            InputTokensExpected = Math.Max(1, textBytes / 4) + _facts.Images * _limits.TokensPerImageExpected
                + _limits.DocumentTokensExpected(_facts.Documents, _facts.DocumentBytes),
            Needs = _needs,
            Uses = _uses,
            BoundToDialect = _facts.Bound.Joined,
            LostInTranslation = _facts.Lost.Joined,
        };
        return new ScannedRequest(request, _routing.Asked!, Members, EmbeddingEncoding.Float, hasDeveloperRole: false, _facts.HasToolCallIds);
    }

    /// <summary>A known member that is neither null nor read above.</summary>
    private Problem? ReadOption(string name, ReadOnlySpan<byte> value)
    {
        switch (name)
        {
            case "tools":
                Problem? problem = ToolsReader.ReadTools(value, _facts, out bool any);
                _needs |= any ? Abilities.Tools : Abilities.None;
                _uses |= any ? Parameters.Tools : Parameters.None;
                return problem;
            case "tool_choice":
                problem = ToolsReader.ReadChoice(value, _facts, out bool single);
                _uses |= single ? Parameters.ParallelToolCalls : Parameters.None;
                return problem;
            case "stop_sequences":
                return ReadStops(value);
            case "thinking":
                _uses |= Parameters.ReasoningEffort;
                return EffortReader.ReadThinking(value, _facts);
            case "output_config":
                problem = EffortReader.ReadOutput(value, _facts, out bool effort, out bool structured);
                _uses |= effort ? Parameters.ReasoningEffort : Parameters.None;
                return Structured(structured, problem);
            case "output_format":
                return Structured(true, EffortReader.ReadFormat(value, name, _facts));
            case "metadata":
                return ReadMetadata(value);
            case "cache_control":
                _facts.Lost.Add(name);
                return CacheControl.Check(value, name);
            case "service_tier":
                return Word(name, value, "\"auto\" or \"standard_only\"", "auto"u8);
            case "speed":
                return Word(name, value, "\"standard\" or \"fast\"", "standard"u8);
            case "inference_geo":
                // Where it is computed is a promise to somebody: no other dialect can make it.
                if (!JsonSpan.Is(value, "global"u8))
                    _facts.Bound.Add(name);
                return JsonSpan.IsString(value) ? null : ValueReader.Wrong(value, name, "a string such as \"us\"");
            case "container":
                _facts.Bound.Add(name);
                return JsonSpan.IsString(value) || JsonSpan.IsObject(value) ? null : ValueReader.Wrong(value, name, "a container's id or an object");
            case "mcp_servers":
                return ReadServers(value);
            case "context_management" or "diagnostics":
                _facts.Lost.Add(name);
                return JsonSpan.IsObject(value) ? null : ValueReader.Wrong(value, name, "an object");
            case "compaction" or "thread" or "billing_policy":
                _facts.Bound.Add(name);
                return JsonSpan.IsObject(value) ? null : ValueReader.Wrong(value, name, "an object with 'type'");
            case "fallback_credit_token":
                _facts.Lost.Add(name);
                return JsonSpan.IsString(value) || JsonSpan.IsObject(value) ? null : ValueReader.Wrong(value, name, "a string or an object");
            default:
                return ReadFallbacks(value);
        }
    }

    private Problem? ReadShare(ref JsonCursor cursor, ReadOnlySpan<byte> body, string name, Parameters parameter)
    {
        Problem? problem = ValueReader.Real(ref cursor, body, name, 0, 1, out double? value);
        if (value is not (null or 1))
            _uses |= parameter;
        return problem;
    }

    private Problem? Structured(bool structured, Problem? problem)
    {
        _needs |= structured ? Abilities.StructuredOutput : Abilities.None;
        _uses |= structured ? Parameters.StructuredOutput : Parameters.None;
        return problem;
    }

    private Problem? ReadStops(ReadOnlySpan<byte> value)
    {
        if (!JsonSpan.IsArray(value))
            return ValueReader.Wrong(value, "stop_sequences", "an array of strings");
        int count = 0;
        for (var elements = new JsonElements(value); elements.Next(out ReadOnlySpan<byte> element); count++)
        {
            if (!JsonSpan.IsString(element))
                return ValueReader.Wrong(element, $"stop_sequences[{count}]", "a string");
        }
        if (count > MostStopsElsewhere)
            _facts.Lost.Add("stop_sequences");
        return null;
    }

    /// <summary>Stop sequences that OpenAI takes; what is beyond is not sent in its dialect.</summary>
    internal const int MostStopsElsewhere = 4;

    private Problem? ReadMetadata(ReadOnlySpan<byte> value)
    {
        if (!JsonSpan.IsObject(value))
            return ValueReader.Wrong(value, "metadata", "an object such as {\"user_id\": \"…\"}");
        var members = new JsonMembers(value);
        while (members.Next(out ReadOnlySpan<byte> name, out bool escaped, out ReadOnlySpan<byte> member))
        {
            if (!JsonSpan.IsSet(member))
                continue;
            if (!JsonText.Is(name, escaped, "user_id"u8))
                _facts.Lost.Add("metadata", name);
            else if (!JsonSpan.IsString(member))
                return ValueReader.Wrong(member, "metadata.user_id", "a string");
        }
        return null;
    }

    /// <summary>The servers are the provider's to connect to, with what the caller gives for them; no other dialect has them.</summary>
    private Problem? ReadServers(ReadOnlySpan<byte> value)
    {
        if (!JsonSpan.IsArray(value))
            return ValueReader.Wrong(value, "mcp_servers", "an array of servers");
        int count = 0;
        for (var elements = new JsonElements(value); elements.Next(out ReadOnlySpan<byte> element); count++)
        {
            if (!JsonSpan.IsObject(element))
                return ValueReader.Wrong(element, $"mcp_servers[{count}]", "an object with 'type', 'name' and 'url'");
        }
        if (count > 0)
            _facts.Bound.Add("mcp_servers");
        return null;
    }

    /// <summary>A word that, where it is not <paramref name="usual"/>, asks for something that no other dialect has.</summary>
    private Problem? Word(string name, ReadOnlySpan<byte> value, string expected, ReadOnlySpan<byte> usual)
    {
        if (!JsonSpan.IsString(value))
            return ValueReader.Wrong(value, name, expected);
        if (!JsonSpan.Is(value, usual))
            _facts.Lost.Add(name);
        return null;
    }

    /// <summary>Models to fall back on, which is what <c>models</c> says here; or <c>"default"</c>, which only Anthropic can resolve.</summary>
    private Problem? ReadFallbacks(ReadOnlySpan<byte> value)
    {
        if (JsonSpan.IsString(value))
        {
            _facts.Lost.Add("fallbacks");
            return null;
        }
        if (!JsonSpan.IsArray(value))
            return ValueReader.Wrong(value, "fallbacks", "an array such as [{\"model\": \"…\"}], or \"default\"");
        _fallbacks = [];
        for (var elements = new JsonElements(value); elements.Next(out ReadOnlySpan<byte> element);)
        {
            string place = $"fallbacks[{_fallbacks.Count}]";
            if (_fallbacks.Count == _limits.ListLength)
                return new Problem(ProblemKind.FieldInvalid, $"'fallbacks' has more than {_limits.ListLength} entries. Send fewer.", "fallbacks");
            if (!JsonSpan.IsObject(element))
                return ValueReader.Wrong(element, place, "an object such as {\"model\": \"…\"}");
            ReadOnlySpan<byte> model = default;
            var members = new JsonMembers(element);
            while (members.Next(out ReadOnlySpan<byte> name, out bool escaped, out ReadOnlySpan<byte> member))
            {
                if (!JsonText.Is(name, escaped, "model"u8))
                {
                    return new Problem(ProblemKind.FieldInvalid,
                        $"'{place}.{ValueReader.Show(JsonText.Unescape(name, escaped))}' is not known here, where fallbacks are carried out. Known: model.", place);
                }
                model = member;
            }
            if (!JsonSpan.IsString(model))
                return ValueReader.Wrong(model, place + ".model", "a model's name");
            string text = JsonText.Unescape(JsonSpan.Inner(model), escaped: true);
            if (!ValueReader.IsName(text, _limits.ModelLength))
            {
                return new Problem(ProblemKind.FieldInvalid,
                    $"'{place}.model' must be a name of 1 to {_limits.ModelLength} characters without spaces or control characters.", place + ".model");
            }
            _fallbacks.Add(text);
        }
        return null;
    }
}
