using Fairlead.Domain.Inference;

namespace Fairlead.Domain.Ledger;

/// <summary>What becomes of a reservation whose request died with the process.</summary>
public static class InterruptedRequest
{
    /// <summary>The close of a reservation that nobody closed: charged with all it held, because the provider may have done the whole work,
    /// and marked <see cref="UsageSource.Estimated"/> so that reconciliation finds it.</summary>
    /// <param name="reserved">The reservation found at start.</param>
    /// <param name="now">When it is closed, UTC.</param>
    public static RequestClosed Close(RequestReserved reserved, DateTimeOffset now) => new()
    {
        Id = reserved.Id,
        Key = reserved.Key,
        StartedAt = reserved.At,
        ClosedAt = now < reserved.At ? reserved.At : now,
        Route = reserved.Route,
        AskedModel = reserved.Model,
        Status = 0,
        EndReason = EndReason.Interrupted,
        Reserved = reserved.Amount,
        Charged = reserved.Amount,
        UsageSource = UsageSource.Estimated,
        Idempotency = reserved.Idempotency,
    };
}
