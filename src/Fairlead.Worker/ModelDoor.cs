using System.Collections.Immutable;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Fairlead.Domain.Problems;
using Fairlead.Engine.Chat;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Faults;
using Fairlead.Protocols.OpenAi;
using Fairlead.Worker.Answers;
using Fairlead.Worker.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Fairlead.Worker;

/// <summary>The worker's routes: reads a request, has the model answer it, and says what is wrong in OpenAI's error object.</summary>
internal sealed partial class ModelDoor(string model, Readiness readiness, Draining draining, TimeProvider time, ILogger<ModelDoor> logger)
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 128 };
    private static readonly Problem StillLoading = new(ProblemKind.ColdStarting, "The model is being loaded.", RetryAfter: TimeSpan.FromSeconds(1));
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health", (RequestDelegate)HealthAsync);
        routes.MapPost("/v1/chat/completions", (RequestDelegate)(http => AnswerAsync(http, ChatAsync)));
        routes.MapPost("/v1/completions", (RequestDelegate)(http => AnswerAsync(http, CompleteAsync)));
        routes.MapPost("/v1/embeddings", (RequestDelegate)(http => AnswerAsync(http, EmbedAsync)));
        routes.MapPost("/tokenize", (RequestDelegate)(http => AnswerAsync(http, TokenizeAsync)));
        routes.MapPost("/detokenize", (RequestDelegate)(http => AnswerAsync(http, DetokenizeAsync)));
        routes.MapGet("/metrics", (RequestDelegate)MetricsAsync);
        routes.MapPost("/drain", (RequestDelegate)DrainAsync);
        routes.MapFallback((RequestDelegate)(http => RefuseAsync(http, new Problem(ProblemKind.RouteUnknown, "A worker has no such route."))));
    }

    /// <summary>Takes nothing new from now on; the process ends when the last answer is out.</summary>
    private Task DrainAsync(HttpContext http)
    {
        draining.Begin();
        http.Response.StatusCode = StatusCodes.Status202Accepted;
        return Task.CompletedTask;
    }

    private async Task MetricsAsync(HttpContext http)
    {
        if (readiness.Model is not { } served)
        {
            await RefuseAsync(http, StillLoading);
            return;
        }
        http.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        await http.Response.WriteAsync(served.Figures.ToPrometheus(Environment.WorkingSet), http.RequestAborted);
    }

    private async Task HealthAsync(HttpContext http)
    {
        if (readiness.Model is null)
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        http.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter);
        readiness.Write(json, model);
    }

    /// <summary>Reads the body and runs a route; whatever goes wrong is answered, while an answer is still possible.</summary>
    private async Task AnswerAsync(HttpContext http, Func<HttpContext, ServedModel, JsonElement, Task<Problem?>> route)
    {
        using Draining.Place? place = draining.TryEnter();
        try
        {
            if (place is null)
            {
                await RefuseAsync(http, new Problem(ProblemKind.Draining, "The model is being unloaded and takes nothing new.", RetryAfter: TimeSpan.FromSeconds(2)));
                return;
            }
            if (readiness.Model is not { } served)
            {
                await RefuseAsync(http, StillLoading);
                return;
            }
            using JsonDocument body = await JsonDocument.ParseAsync(http.Request.Body, Strict, http.RequestAborted);
            Problem? problem = body.RootElement.ValueKind == JsonValueKind.Object
                ? await route(http, served, body.RootElement)
                : new Problem(ProblemKind.BodyMalformed, "The body is JSON, but not an object.");
            if (problem is not null)
                await RefuseAsync(http, problem);
        }
        catch (JsonException e)
        {
            await RefuseAsync(http, new Problem(ProblemKind.BodyMalformed, Refusal.Bound($"The body is not JSON we can read: {e.Message}")));
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The caller is gone; the generation has ended with the same token, and nobody is left to be told.
        }
        catch (OutOfMemoryException)
        {
            // Nothing is broken: what was begun for this request is given back, and a smaller one may fit. At once: until it is collected
            // there is none left for the runtime itself either, which ends the process where it gets none.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            LogNoRoom(http.Request.ContentLength);
            await RefuseAsync(http, new Problem(ProblemKind.UpstreamOverloaded, "There is not enough memory in the model's process for this request. Send a shorter one, or fewer at once.", RetryAfter: TimeSpan.FromSeconds(1)));
        }
        catch (Exception e)
        {
            LogBug(e);
            await RefuseAsync(http, new Problem(ProblemKind.Internal, "Something broke inside the model's process. Its log has the rest."));
        }
    }

    private async Task<Problem?> ChatAsync(HttpContext http, ServedModel served, JsonElement body)
    {
        if (served.Language is not { } language)
            return new Problem(ProblemKind.FieldInvalid, $"'{model}' makes embeddings and writes no text. Ask it at /v1/embeddings.", "model");
        ChatRequest? request = ChatRequest.Read(body, language.Defaults, out Problem? problem);
        if (request is null)
            return problem;
        AnswerHead head = Head(http, "chatcmpl-", language.Fingerprint);
        ChatTurn? turn = language.Begin(request, head.Id, Scope(http), http.RequestAborted, out problem);
        if (turn is null)
            return problem;
        NameIgnored(http, request.Ignored);
        await (request.Settings.Stream ? StreamAsync(http, turn, request, language, head) : WholeAsync(http, turn, request, language, head));
        return null;
    }

    private static async Task StreamAsync(HttpContext http, ChatTurn turn, ChatRequest request, LanguageServed language, AnswerHead head)
    {
        CancellationToken gone = http.RequestAborted;
        TokenSpelling? spelling = request.Logprobs is null ? null : language.Spelling;
        using var stream = new EventStream(http.Response);
        await stream.BeginAsync(gone);
        for (int choice = 0; choice < request.Settings.Choices; choice++)
            stream.Add(new ChatChunk(head, choice, null, Begins: true, null, [], null), ChatChunk.Write);
        await stream.FlushAsync(gone);
        while (await turn.WaitAsync(gone))
        {
            while (turn.TryRead(out ChatStep step))
            {
                if (step.Failure is { } failure)
                {
                    stream.Add(failure, WriteError);
                    await stream.FlushAsync(gone);
                    return;
                }
                // Log-probabilities stand at the first chunk that their tokens make, and at one of their own where they make none yet.
                ImmutableArray<Engine.Generation.AnswerToken> tokens = spelling is null ? [] : step.Tokens;
                foreach (ChatEvent delta in step.Deltas)
                {
                    stream.Add(new ChatChunk(head, step.Choice, delta, Begins: false, null, tokens, spelling), ChatChunk.Write);
                    tokens = [];
                }
                if (!tokens.IsDefaultOrEmpty)
                    stream.Add(new ChatChunk(head, step.Choice, new ChatEvent.Content(""), Begins: false, null, tokens, spelling), ChatChunk.Write);
                if (step.Finish is { } finish)
                    stream.Add(new ChatChunk(head, step.Choice, null, Begins: false, finish, [], null), ChatChunk.Write);
                if (step.Usage is { } usage && request.Settings.IncludeUsage)
                    stream.Add((head, usage), ChatChunk.WriteUsage);
                if (step.Usage is not null)
                    stream.End();
            }
            await stream.FlushAsync(gone);
        }
    }

    private static async Task WholeAsync(HttpContext http, ChatTurn turn, ChatRequest request, LanguageServed language, AnswerHead head)
    {
        CancellationToken gone = http.RequestAborted;
        await BeginWholeAsync(http.Response, gone);
        ChatChoice[] choices = [.. Enumerable.Range(0, request.Settings.Choices).Select(static _ => new ChatChoice())];
        AnswerUsage total = default;
        while (await turn.WaitAsync(gone))
        {
            while (turn.TryRead(out ChatStep step))
            {
                if (step.Failure is { } failure)
                {
                    WriteFailure(http, failure);
                    return;
                }
                if (step.Usage is { } usage)
                {
                    total = usage;
                    continue;
                }
                ChatChoice choice = choices[step.Choice];
                foreach (ChatEvent delta in step.Deltas)
                    choice.Take(delta);
                if (request.Logprobs is not null)
                    choice.Take(step.Tokens);
                if (step.Finish is { } finish)
                    choice.End(finish);
            }
        }
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter, Plain);
        json.WriteStartObject();
        head.Write(json, "chat.completion");
        json.WriteStartArray("choices");
        for (int i = 0; i < choices.Length; i++)
            choices[i].Write(json, i, request.Logprobs is null ? null : language.Spelling);
        json.WriteEndArray();
        total.Write(json);
        json.WriteEndObject();
    }

    private async Task<Problem?> CompleteAsync(HttpContext http, ServedModel served, JsonElement body)
    {
        if (served.Language is not { } language)
            return new Problem(ProblemKind.FieldInvalid, $"'{model}' makes embeddings and writes no text. Ask it at /v1/embeddings.", "model");
        CompletionRequest? request = CompletionRequest.Read(body, language.Defaults, out Problem? problem);
        if (request is null)
            return problem;
        using CompletionTurn? turn = language.Begin(request, Scope(http), http.RequestAborted, out problem);
        if (turn is null)
            return problem;
        NameIgnored(http, request.Ignored);
        AnswerHead head = Head(http, "cmpl-", language.Fingerprint);
        TokenSpelling? spelling = request.Logprobs is null ? null : language.Spelling;
        await (request.Settings.Stream ? StreamAsync(http, turn, request, spelling, head) : WholeAsync(http, turn, spelling, head));
        return null;
    }

    private static async Task StreamAsync(HttpContext http, CompletionTurn turn, CompletionRequest request, TokenSpelling? spelling, AnswerHead head)
    {
        CancellationToken gone = http.RequestAborted;
        using var stream = new EventStream(http.Response);
        await stream.BeginAsync(gone);
        await foreach (CompletionStep step in turn.ReadAsync(gone))
        {
            if (step.Failure is { } failure)
            {
                stream.Add(failure, WriteError);
                await stream.FlushAsync(gone);
                return;
            }
            if (step.Chunk is { } chunk)
                stream.Add((head, chunk, spelling), WriteCompletionChunk);
            if (step.Usage is { } usage && request.Settings.IncludeUsage)
                stream.Add((head, usage), WriteCompletionUsage);
            if (step.Usage is not null)
                stream.End();
            await stream.FlushAsync(gone);
        }
    }

    private static async Task WholeAsync(HttpContext http, CompletionTurn turn, TokenSpelling? spelling, AnswerHead head)
    {
        CancellationToken gone = http.RequestAborted;
        await BeginWholeAsync(http.Response, gone);
        var choices = new SortedDictionary<int, (StringBuilder Text, List<Engine.Generation.AnswerToken> Tokens, string Finish)>();
        AnswerUsage total = default;
        await foreach (CompletionStep step in turn.ReadAsync(gone))
        {
            if (step.Failure is { } failure)
            {
                WriteFailure(http, failure);
                return;
            }
            if (step.Usage is { } usage)
                total = usage;
            if (step.Chunk is not { } chunk)
                continue;
            (StringBuilder text, List<Engine.Generation.AnswerToken> tokens, string finish) = choices.TryGetValue(chunk.Index, out (StringBuilder, List<Engine.Generation.AnswerToken>, string) known)
                ? known
                : (new StringBuilder(), [], "stop");
            text.Append(chunk.Text);
            tokens.AddRange(chunk.Tokens);
            choices[chunk.Index] = (text, tokens, chunk.Finish ?? finish);
        }
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter, Plain);
        json.WriteStartObject();
        head.Write(json, CompletionChunk.Kind);
        json.WriteStartArray("choices");
        foreach ((int index, (StringBuilder text, List<Engine.Generation.AnswerToken> tokens, string finish)) in choices)
            new CompletionChunk(index, text.ToString(), finish, [.. tokens], 0).Write(json, spelling);
        json.WriteEndArray();
        total.Write(json);
        json.WriteEndObject();
    }

    private async Task<Problem?> EmbedAsync(HttpContext http, ServedModel served, JsonElement body)
    {
        if (served.Embedding is not { } embedding)
            return new Problem(ProblemKind.FieldInvalid, $"'{model}' writes text and makes no embeddings. Use an encoder, such as a sentence-transformers model.", "model");
        EmbeddingRequest? request = EmbeddingRequest.Read(body, out Problem? problem);
        if (request is null)
            return problem;
        (EmbeddingAnswer? answer, problem) = await embedding.EmbedAsync(request, http.RequestAborted);
        if (answer is null)
            return problem;
        NameIgnored(http, [.. request.Ignored, .. answer.Cut]);
        http.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter, Plain);
        answer.Write(json, model, request.Base64);
        return null;
    }

    private static async Task<Problem?> TokenizeAsync(HttpContext http, ServedModel served, JsonElement body)
    {
        TokenizeRequest? request = TokenizeRequest.Read(body, out Problem? problem);
        if (request is null)
            return problem;
        NameIgnored(http, request.Ignored);
        int[] tokens = served.Tokenize(request.Content, request.AddSpecial);
        http.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter, Plain);
        json.WriteStartObject();
        json.WriteStartArray("tokens");
        foreach (int token in tokens)
            json.WriteNumberValue(token);
        json.WriteEndArray();
        json.WriteNumber("count", tokens.Length);
        json.WriteEndObject();
        return null;
    }

    private static async Task<Problem?> DetokenizeAsync(HttpContext http, ServedModel served, JsonElement body)
    {
        DetokenizeRequest? request = DetokenizeRequest.Read(body, out Problem? problem);
        if (request is null)
            return problem;
        if (request.Tokens.FirstOrDefault(token => token >= served.VocabularySize, -1) is >= 0 and var odd)
            return new Problem(ProblemKind.FieldInvalid, $"'tokens' holds {odd}; this model's vocabulary ends at {served.VocabularySize - 1}.", "tokens");
        NameIgnored(http, request.Ignored);
        http.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter, Plain);
        json.WriteStartObject();
        json.WriteString("content", served.Detokenize(request.Tokens.AsSpan()));
        json.WriteEndObject();
        return null;
    }

    private AnswerHead Head(HttpContext http, string prefix, string fingerprint)
    {
        // The gateway's id of the request, so that an answer is found in its records; a person who asks the socket directly gets one of our own.
        string asked = http.Request.Headers["x-request-id"].ToString();
        string id = asked.StartsWith("req_", StringComparison.Ordinal) ? asked[4..] : Guid.CreateVersion7(time.GetUtcNow()).ToString("N");
        return new AnswerHead(prefix + id, time.GetUtcNow().ToUnixTimeSeconds(), model, fingerprint);
    }

    /// <summary>Whose prompt it is, as the gateway tells it: only requests of one caller share what was read of their prompts.</summary>
    private static string? Scope(HttpContext http) => http.Request.Headers["x-fairlead-scope"] is [{ Length: > 0 } scope] ? scope : null;

    /// <summary>Fields without effect are named: the gateway passes the header on.</summary>
    private static void NameIgnored(HttpContext http, ImmutableArray<string> ignored)
    {
        if (!ignored.IsEmpty)
            http.Response.Headers["x-fairlead-ignored"] = string.Join(", ", ignored.Take(20).Select(static name => Redaction.Clean(name, 60)).Where(static name => name.All(static c => c is > ' ' and <= '~')));
    }

    /// <summary>Headers leave at once: their clock at the gateway is shorter than an answer may take.</summary>
    private static Task BeginWholeAsync(HttpResponse response, CancellationToken cancellationToken)
    {
        response.ContentType = "application/json";
        return response.StartAsync(cancellationToken);
    }

    private static void WriteCompletionChunk(Utf8JsonWriter json, (AnswerHead Head, CompletionChunk Chunk, TokenSpelling? Spelling) one)
    {
        one.Head.Write(json, CompletionChunk.Kind);
        json.WriteStartArray("choices");
        one.Chunk.Write(json, one.Spelling);
        json.WriteEndArray();
    }

    private static void WriteCompletionUsage(Utf8JsonWriter json, (AnswerHead Head, AnswerUsage Usage) end)
    {
        end.Head.Write(json, CompletionChunk.Kind);
        json.WriteStartArray("choices");
        json.WriteEndArray();
        end.Usage.Write(json);
    }

    private static void WriteError(Utf8JsonWriter json, Problem failure)
    {
        json.WriteStartObject("error");
        json.WriteString("message", failure.Message);
        json.WriteString("type", failure.Kind.Type);
        json.WriteString("param", failure.Param);
        json.WriteString("code", failure.Kind.Code);
        json.WriteEndObject();
    }

    /// <summary>The status left with the headers, long ago; that it is an error, and which, the body says in place of an answer.</summary>
    private static void WriteFailure(HttpContext http, Problem failure) =>
        ErrorObject.Write(http.Response.BodyWriter, failure, http.Request.Headers["x-request-id"].ToString());

    private static async Task RefuseAsync(HttpContext http, Problem problem)
    {
        if (http.Response.HasStarted)
        {
            http.Abort(); // half an answer must not look like a whole one
            return;
        }
        using var body = new PooledBuffer(512);
        ErrorObject.Write(body, problem, http.Request.Headers["x-request-id"].ToString());
        http.Response.StatusCode = problem.Status;
        http.Response.ContentType = "application/json";
        if (problem.RetryAfter is { } wait)
            http.Response.Headers.RetryAfter = ((int)Math.Ceiling(wait.TotalSeconds)).ToString(System.Globalization.CultureInfo.InvariantCulture);
        await http.Response.BodyWriter.WriteAsync(body.Memory, http.RequestAborted);
    }

    [LoggerMessage(EventId = 5102, Level = LogLevel.Warning, Message = "There was not enough memory for a request of {Bytes} bytes")]
    private partial void LogNoRoom(long? bytes);

    [LoggerMessage(EventId = 5101, Level = LogLevel.Error, Message = "A bug ended a request")]
    private partial void LogBug(Exception e);
}
