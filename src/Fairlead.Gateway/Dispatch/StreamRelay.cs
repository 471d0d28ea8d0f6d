using System.Buffers;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Domain.Problems;
using Fairlead.Domain.Routing;
using Fairlead.Gateway.Catalogue;
using Fairlead.Gateway.Metering;
using Fairlead.Gateway.Settings;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Upstreams;

namespace Fairlead.Gateway.Dispatch;

/// <summary>Relays a streamed answer as it comes. What the upstream's one read brought leaves in one write; nothing waits for more.</summary>
internal sealed class StreamRelay(Settlement settlement, TimeProvider time)
{
    /// <summary>How long an answer may consist of comments alone, or one event of pieces (faults U-23, U-36).</summary>
    private static readonly TimeSpan LongestWithoutEvent = TimeSpan.FromMinutes(5);

    /// <summary>Room for what one read brings: little for a stream that drips, which is what most wait to do, and more for one that filled it.</summary>
    private const int ReadSize = 4 * 1024;
    private const int ReadSizeWhenFull = 16 * 1024;

    private static readonly Problem KeyRevoked = new(ProblemKind.KeyUnknown,
        "The key of this request was revoked while it ran. You have received everything up to then, and it was charged. Go on with another key.");

    /// <inheritdoc cref="AnswerRelay.RunAsync"/>
    public async ValueTask<UpstreamFault?> RunAsync(
        Exchange exchange, OfferRuntime offer, UpstreamReply.Opened opened, AnswerProgress progress, Watchdog clocks, Func<UpstreamFault?, Attempt> record)
    {
        DispatchSettings settings = exchange.Deployment.Settings.Dispatch;
        CallerStream caller = exchange.CallerStream!;
        using var answer = AnswerDialects.Open(AnswerRelay.Expectations(exchange, offer), opened.Kind == BodyKind.NdJson ? StreamFraming.NdJson : StreamFraming.ServerSentEvents);
        using var output = new PooledBuffer(ReadSize);
        if (opened.Kind == BodyKind.Json)
            return await ReplayAsync(exchange, offer, opened, answer, progress, output, clocks, record);
        byte[] input = ArrayPool<byte>.Shared.Rent(ReadSize);
        UpstreamFault? fault = null;
        try
        {
            StreamState state = StreamState.Reading;
            clocks.Arm(Clock.FirstEvent, settings.FirstToken);
            long lastEvent = 0;
            long events = 0;
            while (state == StreamState.Reading)
            {
                int read = await opened.ReadAsync(input, clocks.Token);
                state = read == 0 ? answer.End(output) : answer.Accept(input, read, output);
                if (state != StreamState.Reading)
                    progress.EndAt = time.GetTimestamp();
                if (answer.SawRealEvent)
                {
                    long now = time.GetTimestamp();
                    if (progress.FirstTokenAt == 0)
                    {
                        progress.FirstTokenAt = lastEvent = now;
                        offer.Breaker.Answering(exchange.ElapsedMs - progress.StartMs);
                    }
                    if (answer.RealEvents > events)
                        lastEvent = now;
                    events = answer.RealEvents;
                }
                if (read == input.Length && input.Length < ReadSizeWhenFull)
                {
                    ArrayPool<byte>.Shared.Return(input);
                    input = ArrayPool<byte>.Shared.Rent(ReadSizeWhenFull);
                }
                if (answer.Committed && exchange.Caller!.IsCutOff)
                {
                    await EndAsync(exchange, offer, answer, progress, output, clocks, KeyRevoked, null, record);
                    return null;
                }
                if (answer.Committed && output.Length > 0)
                {
                    clocks.Arm(Clock.CallerWrite, settings.CallerWrite);
                    exchange.Recording?.Append(output.Span);
                    await caller.WriteAsync(output.Memory, clocks.Token);
                    output.Clear();
                    exchange.Body.Release(); // the headers have left, which tell what was adapted, and nobody else will be asked
                }
                if (progress.FirstTokenAt != 0)
                    ArmIdle(clocks, settings.Idle, lastEvent);
            }
            fault = state == StreamState.Faulted ? answer.Fault : null;
        }
        catch (UpstreamBrokenException e)
        {
            fault = e.Fault;
        }
        catch (OperationCanceledException) when (answer.Committed)
        {
            if (clocks.Expired == Clock.None || clocks.Expired == Clock.CallerWrite)
            {
                // The caller hung up, or stopped reading: the upstream is cancelled with the connection, and what was sent is paid for.
                await SettlePartAsync(exchange, offer, answer, progress, EndReason.ClientGone, null, null, record);
                throw;
            }
            fault = clocks.Expired switch
            {
                Clock.Total => new UpstreamFault(FaultKind.Deadline, "The time for all attempts together ran out in mid-answer."),
                Clock.CutOff => new UpstreamFault(FaultKind.ServerStopping, "This server was stopped in mid-answer."),
                _ => new UpstreamFault(FaultKind.IdleStall, $"Nothing came for {settings.Idle.TotalSeconds:0.#} s in mid-answer."),
            };
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(input);
            if (progress.EndAt == 0)
                progress.EndAt = time.GetTimestamp();
        }

        if (fault is null)
        {
            await CompleteAsync(exchange, offer, answer, progress, output, clocks, withheld: false, record);
            return null;
        }
        if (!answer.Committed)
            return fault;

        offer.Breaker.Failed(fault, 0.5);
        await EndAsync(exchange, offer, answer, progress, output, clocks, BrokenAnswer.Describe(fault, offer.Offer.Provider, answer.OutputTokensSeen), fault, record);
        return null;
    }

    /// <summary>Ends a stream that has begun: settles what was sent, then tells the problem as the last event.</summary>
    private async ValueTask EndAsync(
        Exchange exchange, OfferRuntime offer, AnswerStream answer, AnswerProgress progress, PooledBuffer output, Watchdog clocks, Problem problem, UpstreamFault? fault,
        Func<UpstreamFault?, Attempt> record)
    {
        EndReason reason = fault is null ? problem.Kind.EndReason : FaultTable.For(fault.Kind).Answer.EndReason;
        await SettlePartAsync(exchange, offer, answer, progress, reason, problem, fault, record);
        output.Clear();
        AnswerDialects.WriteErrorEvent(exchange.Route.Dialect(), problem, exchange.IdText, output);
        exchange.Recording?.Append(output.Span);
        exchange.Recording?.Complete();
        clocks.Arm(Clock.CallerWrite, exchange.Deployment.Settings.Dispatch.CallerWrite);
        await exchange.CallerStream!.WriteAsync(output.Memory, exchange.Http.RequestAborted);
    }

    /// <summary>A whole answer to a request for a stream is replayed as one (F057); until it has been read, nothing is committed.</summary>
    private async ValueTask<UpstreamFault?> ReplayAsync(
        Exchange exchange, OfferRuntime offer, UpstreamReply.Opened opened, AnswerStream answer, AnswerProgress progress, PooledBuffer output, Watchdog clocks,
        Func<UpstreamFault?, Attempt> record)
    {
        using var body = new PooledBuffer(4096);
        if (await WholeRelay.ReadAsync(opened, body, progress, clocks, exchange.Deployment.Settings.Dispatch, time) is { } broken)
            return broken;
        AnswerCheck check = AnswerDialects.Check(body.Span, AnswerRelay.Expectations(exchange, offer));
        if (check.Fault is { } fault)
            return fault;
        if (answer.Replay(check.Mended ?? body.Span, output) == StreamState.Faulted)
            return answer.Fault;
        await CompleteAsync(exchange, offer, answer, progress, output, clocks, withheld: true, record);
        return null;
    }

    private async ValueTask CompleteAsync(
        Exchange exchange, OfferRuntime offer, AnswerStream answer, AnswerProgress progress, PooledBuffer output, Watchdog clocks, bool withheld,
        Func<UpstreamFault?, Attempt> record)
    {
        (Usage usage, UsageSource source) = UsageMeter.Final(
            exchange.Request, offer.Offer, answer.Usage, answer.OutputTokensSeen, UsageMeter.ComputeTime(offer.Offer, progress, time), answer.UsageIsPartial);
        exchange.Attempts.Add(record(null));
        progress.Recorded = true;
        Speed(offer, progress, usage);
        NanoDollars charged = await settlement.CloseAsync(exchange, new Ending
        {
            Reason = EndReason.Ok,
            Status = 200,
            Withheld = withheld,
            Billed = true,
            Usage = usage,
            Source = source,
        });
        answer.WriteClosing(usage, charged, output);
        exchange.Recording?.Append(output.Span);
        exchange.Recording?.Complete();
        clocks.Arm(Clock.CallerWrite, exchange.Deployment.Settings.Dispatch.CallerWrite);
        await exchange.CallerStream!.WriteAsync(output.Memory, exchange.Http.RequestAborted);
    }

    private async ValueTask SettlePartAsync(
        Exchange exchange, OfferRuntime offer, AnswerStream answer, AnswerProgress progress, EndReason reason, Problem? problem, UpstreamFault? fault,
        Func<UpstreamFault?, Attempt> record)
    {
        (Usage usage, UsageSource source) = UsageMeter.Final(
            exchange.Request, offer.Offer, answer.Usage, answer.OutputTokensSeen, UsageMeter.ComputeTime(offer.Offer, progress, time), answer.UsageIsPartial);
        bool billed = fault is null || exchange.Deployment.Settings.Dispatch.BillDelivered; // without a fault it was the caller who ended it
        exchange.Attempts.Add(record(fault));
        progress.Recorded = true;
        await settlement.CloseAsync(exchange, new Ending
        {
            Reason = reason,
            Status = 200,
            Problem = problem,
            Billed = billed,
            Usage = usage,
            Source = source,
            Waste = billed ? NanoDollars.Zero : offer.Offer.Price!.For(usage),
        });
    }

    private void Speed(OfferRuntime offer, AnswerProgress progress, in Usage usage)
    {
        double seconds = time.GetElapsedTime(progress.FirstTokenAt).TotalSeconds;
        // The first token is not part of the time between tokens; below a few tokens the quotient is noise.
        double? perSecond = usage.OutputTokens >= 4 && seconds > 0.001 ? (usage.OutputTokens - 1) / seconds : null;
        offer.Breaker.Succeeded(perSecond);
    }

    private void ArmIdle(Watchdog clocks, TimeSpan idle, long lastEvent)
    {
        long frequency = time.TimestampFrequency;
        long byIdle = time.GetTimestamp() + (long)(idle.TotalSeconds * frequency);
        long byEvent = lastEvent + (long)(LongestWithoutEvent.TotalSeconds * frequency);
        clocks.ArmUntil(Clock.Idle, Math.Min(byIdle, byEvent));
    }
}
