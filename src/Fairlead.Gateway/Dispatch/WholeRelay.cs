using System.Globalization;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Gateway.Catalogue;
using Fairlead.Gateway.Limits;
using Fairlead.Gateway.Metering;
using Fairlead.Gateway.Settings;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Upstreams;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway.Dispatch;

/// <summary>Relays an answer that was asked for whole. It is read to its end before a byte leaves, so any fault of it may still go to the next candidate.</summary>
internal sealed class WholeRelay(Settlement settlement, Admission admission, TimeProvider time)
{
    /// <inheritdoc cref="AnswerRelay.RunAsync"/>
    public async ValueTask<UpstreamFault?> RunAsync(
        Exchange exchange, OfferRuntime offer, UpstreamReply.Opened opened, AnswerProgress progress, Watchdog clocks, Func<UpstreamFault?, Attempt> record)
    {
        if (opened.Kind != BodyKind.Json)
            return new UpstreamFault(FaultKind.Malformed, "Answered a whole request with a stream.", opened.Status);
        using var body = new PooledBuffer(4096);
        if (await ReadAsync(opened, body, progress, clocks, exchange.Deployment.Settings.Dispatch, time) is { } broken)
            return broken;

        StreamExpectations expectations = AnswerRelay.Expectations(exchange, offer);
        AnswerCheck check = AnswerDialects.Check(body.Span, expectations);
        if (check.Fault is { } fault)
            return fault;

        (Usage usage, UsageSource source) = UsageMeter.Final(exchange.Request, offer.Offer, check.Usage, check.OutputTokensSeen, UsageMeter.ComputeTime(offer.Offer, progress, time));
        exchange.Attempts.Add(record(null));
        progress.Recorded = true;
        double seconds = (exchange.ElapsedMs - progress.StartMs) / 1000;
        // Of a whole answer only the whole time is known; in a short one that is mostly the wait, which tells little about speed.
        offer.Breaker.Succeeded(usage.OutputTokens >= 16 && seconds > 0.001 ? usage.OutputTokens / seconds : null);
        NanoDollars charged = await settlement.CloseAsync(exchange, new Ending
        {
            Reason = EndReason.Ok,
            Status = StatusCodes.Status200OK,
            Withheld = true,
            Billed = true,
            Usage = usage,
            Source = source,
        });

        using var output = new PooledBuffer(body.Length + 64);
        AnswerDialects.Write(body.Span, check, expectations, usage, charged, output);
        HttpResponse response = exchange.Http.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/json";
        response.ContentLength = output.Length;
        AnswerHeaders.Write(response.Headers, exchange, admission, charged, time.GetUtcNow());
        if (offer.Offer.Price!.Hourly is not null)
            response.Headers[AnswerHeaders.ComputeTime] = usage.ComputeSeconds.ToString(CultureInfo.InvariantCulture);
        exchange.Recording?.Append(output.Span);
        exchange.Recording?.Complete();
        clocks.Arm(Clock.CallerWrite, exchange.Deployment.Settings.Dispatch.CallerWrite);
        await response.BodyWriter.WriteAsync(output.Memory, exchange.Http.RequestAborted);
        return null;
    }

    /// <summary>Reads the body to its end; the fault where it broke off.</summary>
    public static async ValueTask<UpstreamFault?> ReadAsync(
        UpstreamReply.Opened opened, PooledBuffer body, AnswerProgress progress, Watchdog clocks, DispatchSettings settings, TimeProvider time)
    {
        try
        {
            clocks.Arm(Clock.FirstEvent, settings.FirstToken);
            while (true)
            {
                int read = await opened.ReadAsync(body.GetMemory(4096), clocks.Token);
                if (read == 0)
                    break;
                body.Advance(read);
                clocks.Arm(Clock.Idle, settings.Idle);
            }
            progress.FirstTokenAt = progress.EndAt = time.GetTimestamp();
            clocks.Disarm();
            return null;
        }
        catch (UpstreamBrokenException e)
        {
            return e.Fault;
        }
    }
}
