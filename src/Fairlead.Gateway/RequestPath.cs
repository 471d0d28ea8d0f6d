using System.Security.Cryptography;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Domain.Problems;
using Fairlead.Gateway.Catalogue;
using Fairlead.Gateway.Dispatch;
using Fairlead.Gateway.Door;
using Fairlead.Gateway.Identity;
using Fairlead.Gateway.Limits;
using Fairlead.Gateway.Metering;
using Fairlead.Gateway.Settings;
using Fairlead.Protocols.Dialects;
using Fairlead.Storage.Journal;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Fairlead.Gateway;

/// <summary>The path of a paid request, from the door to the ledger. The numbers are those of docs/architecture.md and of the folders. A count of tokens
/// (<see cref="Route.CountTokens"/>) goes the same way as far as routing and leaves it there: it costs nothing, and no ledger hears of it.</summary>
internal sealed partial class RequestPath(
    LiveDeployment live, KeyAuthenticator authenticator, Admission admission, IdempotencyTable idempotency, RoutePlanner planner, Dispatcher dispatcher,
    TokenCount counter, Settlement settlement, ShutdownState shutdown, TimeProvider time, ILogger<RequestPath> logger)
{
    /// <summary>Runs one request to its end. Never throws: what went wrong is answered, recorded, or both.</summary>
    public async Task RunAsync(HttpContext http, Route route)
    {
        Deployment deployment = live.Current;
        using var exchange = new Exchange(http, route, deployment, time)
        {
            Session = ClientText(http.Request.Headers["x-hf-session-id"]),
            ClientReference = ClientText(http.Request.Headers["x-client-request-id"]),
            IdempotencyKey = http.Request.Headers["idempotency-key"],
            CallerRetries = int.TryParse(http.Request.Headers["x-stainless-retry-count"], out int tries) ? tries : 0,
        };

        if (!admission.TryEnter(deployment.Settings.Limits.Running))
        {
            await RefuseAsync(exchange, new Problem(ProblemKind.Overloaded,
                $"The server is at its limit of {deployment.Settings.Limits.Running} running requests. Retry in 1 s.", RetryAfter: TimeSpan.FromSeconds(1)));
            return;
        }
        try
        {
            Problem? problem = await RunAsync(exchange, http.RequestAborted);
            if (problem is not null)
                await RefuseAsync(exchange, problem);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            await CloseAsync(exchange, new Ending { Reason = EndReason.ClientGone, Status = 0 });
        }
        catch (UnsettledException e)
        {
            LogJournalUnavailable(exchange.IdText, e.Message);
            await RefuseAsync(exchange, e.Problem);
        }
        catch (JournalUnavailableException e)
        {
            LogJournalUnavailable(exchange.IdText, e.Message);
            await RefuseAsync(exchange, new Problem(ProblemKind.StorageFull,
                "The journal cannot be written right now, so nothing that costs money is taken on. Nothing was charged. See /health; retry in 5 s.",
                RetryAfter: TimeSpan.FromSeconds(5)));
        }
        catch (Exception e)
        {
            LogBug(e, exchange.IdText);
            await RefuseAsync(exchange, new Problem(ProblemKind.Internal,
                $"Something broke inside this server. It is not your request's fault; tell its operator the id {exchange.IdText}."));
        }
        finally
        {
            admission.Leave();
            KeepAnswer(exchange);
            if (exchange.CallerStream is { } stream)
                await stream.DisposeAsync();
            exchange.Recording?.Dispose();
        }
    }

    /// <summary>The story itself. A problem that is returned has committed nothing and reached nobody.</summary>
    private async ValueTask<Problem?> RunAsync(Exchange exchange, CancellationToken callerGone)
    {
        HttpContext http = exchange.Http;
        GatewaySettings settings = exchange.Deployment.Settings;

        // (1) Door: what can be refused without reading the body is refused without reading it.
        if (shutdown.IsDraining)
            return new Problem(ProblemKind.Draining, "This server is shutting down. Retry; another replica or the next start will answer.", RetryAfter: TimeSpan.FromSeconds(2));
        Problem? problem = BodyReader.RefuseUnread(http.Request, settings.Limits.BodyBytes);

        // (2) Identity comes before any other complaint: strangers learn nothing.
        exchange.Caller = authenticator.Authenticate(http, out Problem? stranger);
        if (exchange.Caller is null)
            return stranger;
        problem ??= planner.RefuseUnread(exchange);
        ColdPolicy cold = default;
        problem ??= ColdPolicy.Read(http.Request.Headers, exchange.Caller.Key.Limits.WaitForModel, settings.Fleet, out cold);
        exchange.Cold = cold;
        IReadOnlyList<KeyValuePair<string, string>> dialectHeaders = [];
        problem ??= DialectHeaders.Read(http.Request.Headers, exchange.Route, out dialectHeaders);
        exchange.DialectHeaders = dialectHeaders;
        if (problem is not null)
            return problem;

        // (1) Door, second half: the body, read whole and scanned once.
        problem = await BodyReader.ReadAsync(http.Request, settings.Limits.BodyBytes, exchange.Body, callerGone);
        if (problem is not null)
            return problem;
        exchange.Scanned = RequestDialects.Scan(exchange.Route, exchange.Body.Span, RequestLimits.Default, out problem);
        if (exchange.Scanned is null)
            return problem;
        bool counts = exchange.Route == Route.CountTokens;
        if (!counts && exchange.IdempotencyKey is not null && await ClaimAsync(exchange) is { } claimed)
            return claimed.Problem;

        // (4) Catalogue and routing: pure, takes nothing, and decides the price that (3) holds.
        problem = planner.Plan(exchange);
        // What nobody can serve just now, or not at this length, can be counted all the same.
        if (counts && (problem is null || problem.Kind.Retryable || problem.Kind == ProblemKind.ContextTooLong))
            return await counter.RunAsync(exchange, callerGone);
        if (problem is not null)
            return problem;

        // (3) Limits: a request, its tokens, a slot and its money in one step, written down before anything is sent.
        NanoDollars most = NanoDollars.Max(
            Reservation.Most(exchange.Request, exchange.Candidates, settings.Dispatch, settings.Limits),
            Reservation.Most(exchange.Request, exchange.StandIns, settings.Dispatch, settings.Limits));
        problem = admission.TryTake(
            exchange.Caller, exchange.Alias, most, Reservation.Tokens(exchange.Request, exchange.Candidates[0].Offer, settings.Limits), out Ticket ticket);
        if (problem is not null)
            return problem;
        exchange.Ticket = ticket;
        exchange.Reserved = most;
        await settlement.ReserveAsync(exchange);

        // (5) Dispatch, which ends in (6) Metering: the answer's last byte leaves after its settlement is in the journal.
        if (exchange.Request.Stream)
        {
            exchange.CallerStream = new CallerStream(
                http.Response, headers => AnswerHeaders.Write(headers, exchange, admission, null, time.GetUtcNow()), exchange.Route.Dialect(),
                settings.Dispatch.Heartbeat, time, callerGone);
        }
        return await dispatcher.RunAsync(exchange, callerGone);
    }

    /// <summary>Answers with a problem and closes the request on the ledger, if anybody is there to be billed for it.</summary>
    private async ValueTask RefuseAsync(Exchange exchange, Problem problem)
    {
        HttpContext http = exchange.Http;
        bool streaming = exchange.CallerStream?.HasBegun == true;
        await CloseAsync(exchange, new Ending
        {
            Reason = problem.Kind.EndReason,
            Status = streaming ? StatusCodes.Status200OK : ProblemMap.Status(exchange.Route.Dialect(), problem),
            Problem = problem,
        });
        try
        {
            if (streaming)
            {
                // Heartbeats fixed the status; the failure is told as the dialect's error event.
                using var output = new Protocols.Buffers.PooledBuffer(512);
                AnswerDialects.WriteErrorEvent(exchange.Route.Dialect(), problem, exchange.IdText, output);
                await exchange.CallerStream!.WriteAsync(output.Memory, http.RequestAborted);
                return;
            }
            if (http.Response.HasStarted)
                return;
            if (problem.Kind == ProblemKind.Draining)
                http.Response.Headers.Connection = "close"; // the next request is for somebody else
            if (exchange.CallerStream is { } stream)
                await stream.DisposeAsync();
            AnswerHeaders.Write(http.Response.Headers, exchange, admission, NanoDollars.Zero, time.GetUtcNow());
            await ProblemMap.WriteAsync(http, problem, exchange.IdText);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            LogNobodyListened(exchange.IdText, problem.Kind.Code);
        }
    }

    private async ValueTask CloseAsync(Exchange exchange, Ending ending)
    {
        if (exchange.Closed || exchange.Caller is null || exchange.Route == Route.CountTokens)
        {
            settlement.Unattributed(exchange, ending);
            return;
        }
        try
        {
            await settlement.CloseAsync(exchange, ending);
        }
        catch (JournalUnavailableException e)
        {
            // It never held anything in the journal, so it was not charged, and nothing is lost but the record.
            LogJournalUnavailable(exchange.IdText, e.Message);
        }
    }

    /// <summary>Claims the Idempotency-Key, or answers with what became of it.</summary>
    private async ValueTask<Answered?> ClaimAsync(Exchange exchange)
    {
        string key = exchange.IdempotencyKey!;
        if (key.Length is 0 or > 255 || key.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            return new Answered(new Problem(ProblemKind.FieldInvalid,
                "The Idempotency-Key header must hold 1 to 255 printable ASCII characters. Use a fresh UUID for each logical request.", "Idempotency-Key"));
        }
        IdempotencyMark mark = Mark(exchange, key);
        Claim claim = idempotency.TryClaim(mark, exchange.Id);
        switch (claim.Kind)
        {
            case ClaimKind.Claimed:
                exchange.Idempotency = mark;
                exchange.Recording = new AnswerRecording(IdempotencyTable.MostBytesPerAnswer);
                return null;
            case ClaimKind.InFlight:
                return new Answered(new Problem(ProblemKind.IdempotencyInFlight,
                    $"A request with this Idempotency-Key is still running ({claim.First}). Wait and retry; you will get its result.", RetryAfter: TimeSpan.FromSeconds(1)));
            case ClaimKind.OtherBody:
                return new Answered(new Problem(ProblemKind.IdempotencyMismatch,
                    $"This Idempotency-Key was used with another body ({claim.First}). Use a fresh key for a different request.", "Idempotency-Key"));
            default:
                if (claim.Answer is not { } answer)
                {
                    return new Answered(new Problem(ProblemKind.IdempotencyCompleted,
                        $"The request with this Idempotency-Key was served and charged as {claim.First}; its answer is no longer kept. See /v1/requests/{claim.First}."));
                }
                HttpResponse response = exchange.Http.Response;
                response.StatusCode = answer.Status;
                foreach ((string name, string value) in answer.Headers)
                    response.Headers[name] = value;
                response.Headers["x-fairlead-request-id"] = claim.First.ToString();
                response.Headers["x-fairlead-replayed"] = "true";
                response.ContentType = answer.ContentType;
                await response.BodyWriter.WriteAsync(answer.Body, exchange.Http.RequestAborted);
                exchange.Closed = true;
                return new Answered(null);
        }
    }

    /// <summary>Keeps a billed answer for a repetition, whether or not it reached the caller: a connection that broke is what repetitions are for.</summary>
    private void KeepAnswer(Exchange exchange)
    {
        if (exchange.Idempotency is not { } mark || exchange.Recording is not { } recording)
            return;
        if (!recording.IsWhole || recording.Overflowed)
        {
            idempotency.Finish(mark, exchange.Id, null);
            return;
        }
        HttpResponse response = exchange.Http.Response;
        KeyValuePair<string, string>[] headers =
        [
            .. response.Headers
                .Where(static h => h.Key.StartsWith("x-fairlead-", StringComparison.OrdinalIgnoreCase) || h.Key is "x-inference-provider" or AnswerHeaders.ComputeTime)
                .Select(static h => KeyValuePair.Create(h.Key, h.Value.ToString())),
        ];
        idempotency.Finish(mark, exchange.Id, new RecordedAnswer(response.StatusCode, response.ContentType ?? "application/json", headers, recording.ToArray()));
    }

    private static IdempotencyMark Mark(Exchange exchange, string key)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"{exchange.Caller!.Key.Id}\n{key}"), hash);
        UInt128 keyHash = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(hash);
        SHA256.HashData(exchange.Body.Span, hash);
        hash[0] ^= (byte)exchange.Route;
        return new IdempotencyMark(keyHash, System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(hash));
    }

    /// <summary>An id of the caller's: bounded and printable, or nothing.</summary>
    private static string? ClientText(string? text) =>
        text is { Length: > 0 and <= 255 } && !text.AsSpan().ContainsAnyExceptInRange(' ', '~') ? text : null;

    /// <summary>The claim ended the request: with a problem, or, when there is none, with the first answer word for word.</summary>
    private sealed record Answered(Problem? Problem);
}
