using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Routing;
using Fairlead.Gateway.Catalogue;
using Fairlead.Protocols.Dialects;
using Fairlead.Upstreams;

namespace Fairlead.Gateway.Dispatch;

/// <summary>Brings one opened answer to the caller: as it comes where a stream was asked for, whole otherwise.</summary>
internal sealed class AnswerRelay(StreamRelay streams, WholeRelay wholes)
{
    /// <param name="exchange">The request.</param>
    /// <param name="offer">Who answers.</param>
    /// <param name="opened">The answer; stays the caller's to dispose.</param>
    /// <param name="progress">Filled in as the answer comes.</param>
    /// <param name="clocks">The attempt's clocks.</param>
    /// <param name="record">Makes the attempt's record, with the fault it ended in or null.</param>
    /// <returns>Null: the caller has an answer, be it cut short, and it is settled. A fault: nothing was committed, another candidate may be asked.</returns>
    public ValueTask<UpstreamFault?> RunAsync(
        Exchange exchange, OfferRuntime offer, UpstreamReply.Opened opened, AnswerProgress progress, Watchdog clocks, Func<UpstreamFault?, Attempt> record)
    {
        if (opened.Kind is BodyKind.Html or BodyKind.Other)
        {
            return ValueTask.FromResult<UpstreamFault?>(new UpstreamFault(
                FaultKind.Malformed, $"Answered with {(opened.Kind == BodyKind.Html ? "a page for people (HTML)" : "something that is no completion")}.", opened.Status));
        }
        return exchange.Request.Stream
            ? streams.RunAsync(exchange, offer, opened, progress, clocks, record)
            : wholes.RunAsync(exchange, offer, opened, progress, clocks, record);
    }

    /// <summary>What the answer's reader needs to know of the request.</summary>
    public static StreamExpectations Expectations(Exchange exchange, OfferRuntime offer)
    {
        InferenceRequest request = exchange.Request;
        return new StreamExpectations(
            exchange.Route,
            request.IncludeUsage,
            request.MaxOutputTokens,
            request.Choices,
            exchange.IdText,
            FallbackModel: offer.Offer.ProviderModelId,
            CreatedUnix: exchange.StartedAt.ToUnixTimeSeconds(),
            offer.ResponseQuirks,
            exchange.Scanned!.Encoding)
        {
            Spoken = offer.Offer.Dialect,
            InputTokensExpected = request.InputTokensExpected,
        };
    }
}
