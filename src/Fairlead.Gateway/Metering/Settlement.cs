using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Domain.Problems;
using Fairlead.Gateway.Catalogue;
using Fairlead.Gateway.Limits;
using Fairlead.Gateway.Telemetry;
using Fairlead.Storage.Journal;

namespace Fairlead.Gateway.Metering;

/// <summary>(6) Closes a request: usage → cost → journal. Whoever sends the last byte of an answer awaits this first.</summary>
/// <remarks>Takes no cancellation: a caller who hangs up still pays for what was sent, and the ledger still hears of it.</remarks>
internal sealed class Settlement(
    RequestJournal journal, LateCloses late, Admission admission, IdempotencyTable idempotency, GatewayMetrics metrics, TimeProvider time)
{
    /// <summary>Writes the reservation down, so that nothing is sent upstream that the ledger does not know of.</summary>
    /// <exception cref="JournalUnavailableException">The journal cannot be written; nothing may be sent.</exception>
    public async ValueTask ReserveAsync(Exchange exchange)
    {
        await journal.AppendAsync(new RequestReserved(
            exchange.Id, exchange.Caller!.Key.Id, exchange.StartedAt, exchange.Route, exchange.Scanned!.AskedModel, exchange.Reserved, exchange.Idempotency));
        exchange.IsReserved = true;
    }

    /// <summary>Closes a request exactly once.</summary>
    /// <param name="exchange">The request; its caller is known.</param>
    /// <param name="ending">How it ended.</param>
    /// <returns>What was charged.</returns>
    /// <exception cref="UnsettledException">A good answer whose settlement the journal did not take; its end must not be handed out.
    /// Any other ending is kept in <see cref="LateCloses"/> and has its say to the caller all the same.</exception>
    /// <exception cref="JournalUnavailableException">The record of a request that holds nothing could not be written.</exception>
    public async ValueTask<NanoDollars> CloseAsync(Exchange exchange, Ending ending)
    {
        if (exchange.Closed)
            throw new InvalidOperationException($"Request {exchange.IdText} was closed twice.");
        OfferRuntime? served = exchange.Served;
        OfferPrice? price = served?.Offer.Price;
        NanoDollars cost = ending.Billed && price is not null ? price.For(ending.Usage) : NanoDollars.Zero;
        exchange.Closed = true; // not before its cost is known: a price that cannot be worked out must not leave it open for ever
        // Nobody pays more than was held for an answer that broke off, that ran past the limit the caller had set, or that took longer than it was allowed.
        bool bounded = ending.Reason != EndReason.Ok || exchange.Scanned?.Request.MaxOutputTokens is not null || price is { ChargesTime: true };
        NanoDollars charged = bounded ? NanoDollars.Min(cost, exchange.Reserved) : cost;
        Ticket? held = exchange.Ticket;
        if (held is { } ticket)
        {
            long tokens = ending.Billed ? ending.Usage.InputTokens + ending.Usage.OutputTokens : 0;
            charged = admission.Settle(ticket, charged, tokens);
            exchange.Ticket = null;
        }
        var closed = new RequestClosed
        {
            Id = exchange.Id,
            Key = exchange.Caller!.Key.Id,
            StartedAt = exchange.StartedAt,
            ClosedAt = time.GetUtcNow(),
            Route = exchange.Route,
            AskedModel = exchange.Scanned?.AskedModel ?? "",
            Stream = exchange.Scanned?.Request.Stream ?? false,
            Status = ending.Status,
            EndReason = ending.Reason,
            ProblemCode = ending.Problem?.Kind.Code,
            Reserved = exchange.Reserved,
            Charged = charged,
            WrittenOff = cost - charged,
            Waste = exchange.Waste + ending.Waste,
            Usage = ending.Billed ? ending.Usage : default,
            UsageSource = ending.Billed ? ending.Source : UsageSource.None,
            Provider = served?.Offer.Provider,
            Model = served?.Offer.ModelId,
            ProviderModelId = served?.Offer.ProviderModelId,
            Price = price,
            SubstituteFor = served is null ? null : exchange.Retired,
            Policy = exchange.Scanned?.Request.Preferences.PolicyWord ?? "",
            CatalogueVersion = exchange.Deployment.Catalogue.Version,
            Seed = exchange.Seed,
            Candidates = Names(exchange),
            Excluded = [.. exchange.Excluded.Select(static e => new ExcludedOffer(e.Offer.Name, e.Reason))],
            Attempts = exchange.Attempts,
            ClientReference = exchange.ClientReference,
            Idempotency = ending.Billed ? exchange.Idempotency : null, // whoever paid nothing may try again, after a restart too
        };
        if (exchange.Idempotency is { } mark && !ending.Billed)
            idempotency.Release(mark, exchange.Id);
        try
        {
            await journal.AppendAsync(closed);
        }
        catch (JournalUnavailableException e) when (exchange.IsReserved)
        {
            RequestClosed told = ending.Reason == EndReason.Ok ? Unsettled(exchange, ending, closed) : closed;
            bool kept = late.TryKeep(told);
            if (kept && ending.Withheld)
                TakeBack(exchange, held, charged);
            metrics.Closed(told, exchange.ElapsedMs);
            if (ending.Reason == EndReason.Ok)
                throw new UnsettledException(UnsettledException.Describe(kept, ending.Withheld), e);
            return charged;
        }
        metrics.Closed(closed, exchange.ElapsedMs);
        return charged;
    }

    /// <summary>Counts a request that nobody can be billed for: its caller is a stranger, it is a count of tokens, or its record stands already.</summary>
    public void Unattributed(Exchange exchange, Ending ending)
    {
        if (!exchange.Closed)
            metrics.Unbilled(exchange.Route, ending.Reason);
    }

    /// <summary>The close of a good answer whose end is not handed out. What has left is charged; an answer of which nothing has left costs us and not its caller.</summary>
    private static RequestClosed Unsettled(Exchange exchange, in Ending ending, RequestClosed closed)
    {
        RequestClosed unsettled = closed with { EndReason = ProblemKind.StorageFull.EndReason, ProblemCode = ProblemKind.StorageFull.Code };
        if (!ending.Withheld)
            return unsettled;
        return unsettled with
        {
            Status = exchange.CallerStream?.HasBegun == true ? ending.Status : ProblemKind.StorageFull.Status, // heartbeats fix a status, too
            Charged = NanoDollars.Zero,
            WrittenOff = NanoDollars.Zero,
            Waste = closed.Waste + closed.Charged + closed.WrittenOff,
            Usage = default,
            UsageSource = UsageSource.None,
            Idempotency = null,
        };
    }

    private void TakeBack(Exchange exchange, Ticket? held, NanoDollars charged)
    {
        if (held is { } ticket)
            admission.TakeBack(ticket, charged);
        if (exchange.Idempotency is { } mark)
            idempotency.Release(mark, exchange.Id);
    }

    private static string[] Names(Exchange exchange)
    {
        if (exchange.Candidates.Count == 0)
            return [];
        var names = new string[exchange.Candidates.Count];
        for (int i = 0; i < names.Length; i++)
            names[i] = exchange.Candidates[i].Offer.Name;
        return names;
    }
}

/// <summary>How a request ended, as metering sees it.</summary>
internal readonly record struct Ending
{
    public required EndReason Reason { get; init; }

    /// <summary>Status that the caller saw; 0 when the caller was gone before it.</summary>
    public required int Status { get; init; }

    public Problem? Problem { get; init; }

    /// <summary>True: nothing of the good answer leaves before it is settled, so that it costs nothing where that fails.</summary>
    public bool Withheld { get; init; }

    /// <summary>False: it costs nothing, whatever the usage.</summary>
    public bool Billed { get; init; }

    public Usage Usage { get; init; }
    public UsageSource Source { get; init; }

    /// <summary>What an answer that nobody pays has cost us, beside the attempts that failed before it.</summary>
    public NanoDollars Waste { get; init; }
}
