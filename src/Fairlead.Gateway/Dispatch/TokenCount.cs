using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Domain.Problems;
using Fairlead.Domain.Routing;
using Fairlead.Gateway.Catalogue;
using Fairlead.Gateway.Limits;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Telemetry;
using Fairlead.Protocols.Anthropic;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Upstreams;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Fairlead.Gateway.Dispatch;

/// <summary>(5) Answers how many tokens a Messages request has: as whoever serves the model counts them, where that one speaks Anthropic; by our own guess, which says
/// that it is one, everywhere else and whenever that one does not answer.</summary>
/// <remarks>It takes a request of the caller's minute and a slot, and no money. What comes of it tells nothing about the model's health: a server may serve messages
/// well and have no such route, so no circuit hears of it.</remarks>
internal sealed partial class TokenCount(Admission admission, ShutdownState shutdown, GatewayMetrics metrics, TimeProvider time, ILogger<TokenCount> logger)
{
    /// <summary>Room for a number and what newer versions put beside it.</summary>
    private const int LargestAnswer = 64 * 1024;

    private readonly WatchdogKennel _kennel = new(time, shutdown);

    /// <summary>Answers the request, whose model is known.</summary>
    /// <returns>Null when it is answered; otherwise the problem that is left to be told.</returns>
    public async ValueTask<Problem?> RunAsync(Exchange exchange, CancellationToken callerGone)
    {
        Problem? problem = admission.TryTake(exchange.Caller!, null, NanoDollars.Zero, 0, out Ticket ticket);
        if (problem is not null)
            return problem;
        try
        {
            (long? counted, problem) = await AskAsync(exchange, callerGone);
            if (problem is not null)
                return problem;
            await AnswerAsync(exchange, counted, callerGone);
            metrics.Unbilled(exchange.Route, EndReason.Ok);
            return null;
        }
        finally
        {
            admission.Settle(ticket, NanoDollars.Zero, 0);
        }
    }

    private async ValueTask AnswerAsync(Exchange exchange, long? counted, CancellationToken callerGone)
    {
        using var body = new PooledBuffer(64);
        TokenCountAnswer.Write(body, counted ?? exchange.Request.InputTokensExpected);
        HttpResponse response = exchange.Http.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/json";
        response.ContentLength = body.Length;
        AnswerHeaders.Write(response.Headers, exchange, admission, NanoDollars.Zero, time.GetUtcNow());
        if (counted is null)
            response.Headers[AnswerHeaders.Estimated] = "true";
        await response.Body.WriteAsync(body.Memory, callerGone);
    }

    /// <summary>Asks the first candidate that can count. Null for its count where there is none, or where it did not give one; a problem where it says that the
    /// request itself is wrong.</summary>
    private async ValueTask<(long? Counted, Problem? Problem)> AskAsync(Exchange exchange, CancellationToken callerGone)
    {
        OfferRuntime? offer = exchange.Candidates.Select(candidate => exchange.Deployment.Runtime(candidate.Offer)).FirstOrDefault(static o => o?.Offer.Dialect == Dialect.Anthropic);
        if (offer is null || offer.Condition.AskableIn > TimeSpan.Zero)
            return default;
        DispatchSettings settings = exchange.Deployment.Settings.Dispatch;
        using Watchdog clocks = _kennel.Borrow(settings.Headers, exchange.Http);
        clocks.Renew();
        using var body = new PooledBuffer(exchange.Body.Length + 256);
        RequestDialects.Write(exchange.Body.Span, exchange.Scanned!, offer.Edits, body);
        var call = new UpstreamCall
        {
            Route = exchange.Route,
            Model = offer.Called,
            Body = body.Memory,
            Stream = false,
            Clocks = new UpstreamClocks(settings.Connect, settings.Headers, settings.FirstToken, settings.Idle),
            Headers = exchange.DialectHeaders,
            RequestId = exchange.IdText,
            Caller = exchange.Caller!.Key.Id,
        };
        double start = exchange.ElapsedMs;
        long? counted = null;
        UpstreamFault? fault;
        try
        {
            UpstreamReply reply = await offer.Upstream.OpenAsync(call, clocks.Token);
            if (reply is UpstreamReply.Opened opened)
            {
                await using (opened)
                    (counted, fault) = await ReadAsync(opened, clocks.Token);
            }
            else
            {
                fault = ((UpstreamReply.Refused)reply).Fault;
            }
        }
        catch (OperationCanceledException) when (!callerGone.IsCancellationRequested)
        {
            fault = clocks.Expired == Clock.CutOff
                ? new UpstreamFault(FaultKind.ServerStopping, "This server was stopped while it counted.")
                : new UpstreamFault(FaultKind.HeaderStall, $"No count came within {settings.Headers.TotalSeconds:0.#} s.");
        }
        exchange.Attempts.Add(new Attempt
        {
            Offer = offer.Offer.Name,
            StartMs = start,
            EndMs = exchange.ElapsedMs,
            Fault = fault?.Kind,
            UpstreamStatus = fault?.Status,
            Detail = fault?.Detail,
            UpstreamRequestId = call.UpstreamRequestId,
        });
        if (fault is null)
        {
            exchange.Served = offer;
            return (counted, null);
        }
        metrics.Failed(offer.Offer.Provider, fault.Kind);
        LogNotCounted(exchange.IdText, offer.Offer.Name, fault.Kind, fault.Status);
        Problem said = AttemptPlan.Answer([new FailedAttempt(offer.Offer, fault)], exchange.Scanned!.AskedModel);
        // Whoever sent something wrong learns nothing from a guess about it.
        return (null, said.Kind == ProblemKind.UpstreamRefusedRequest || said.Kind == ProblemKind.Draining ? said : null);
    }

    private static async ValueTask<(long? Counted, UpstreamFault? Fault)> ReadAsync(UpstreamReply.Opened opened, CancellationToken cancellationToken)
    {
        using var answer = new PooledBuffer(256);
        try
        {
            while (answer.Length <= LargestAnswer)
            {
                int read = await opened.ReadAsync(answer.GetMemory(4096), cancellationToken);
                if (read == 0)
                {
                    return TokenCountAnswer.Read(answer.Span) is { } tokens
                        ? (tokens, null)
                        : (null, new UpstreamFault(FaultKind.Malformed, "Answered with something that is no count of tokens.", opened.Status));
                }
                answer.Advance(read);
            }
            return (null, new UpstreamFault(FaultKind.BodyTooLarge, $"The count of tokens is larger than {LargestAnswer / 1024} KiB.", opened.Status));
        }
        catch (UpstreamBrokenException e)
        {
            return (null, e.Fault);
        }
    }

    [LoggerMessage(EventId = 3202, Level = LogLevel.Information, Message = "{RequestId}: {Offer} did not count: {Fault} (status {Status}); the answer is an estimate or its refusal")]
    private partial void LogNotCounted(string requestId, string offer, FaultKind fault, int? status);
}
