using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Ids;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;

namespace Fairlead.Domain.Ledger;

/// <summary>The journal's last word about a request: settled (a charge, perhaps of zero) or refused before it cost anything.
/// Also the decision record that <c>GET /v1/requests/{id}</c> returns for good.</summary>
public sealed record RequestClosed
{
    public required RequestId Id { get; init; }
    public required KeyId Key { get; init; }

    /// <summary>When the request came, UTC.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When it was closed, UTC.</summary>
    public required DateTimeOffset ClosedAt { get; init; }

    public required Route Route { get; init; }

    /// <summary>The model as the caller wrote it, selector included.</summary>
    public required string AskedModel { get; init; }

    public bool Stream { get; init; }

    /// <summary>HTTP status that the caller saw; 0 when the caller was gone before it.</summary>
    public required int Status { get; init; }

    public required EndReason EndReason { get; init; }

    /// <summary>Code of the <c>ProblemKind</c> the caller was told; null when there was no problem.</summary>
    public string? ProblemCode { get; init; }

    /// <summary>What was held; zero when the request was refused before the reservation.</summary>
    public NanoDollars Reserved { get; init; }

    /// <summary>What the key pays: never more than <see cref="Reserved"/>, but for a whole answer to a request that set no output limit;
    /// that one is charged what it cost as far as the key's budget has room.</summary>
    public NanoDollars Charged { get; init; }

    /// <summary>What the answer cost beyond the charge; written off to the platform, so it is visible.</summary>
    public NanoDollars WrittenOff { get; init; }

    /// <summary>What failed attempts may have cost us at their providers; an estimate, never charged to the key.</summary>
    public NanoDollars Waste { get; init; }

    public Usage Usage { get; init; }
    public UsageSource UsageSource { get; init; }

    /// <summary>Provider that served; null when none did.</summary>
    public string? Provider { get; init; }

    /// <summary>Catalogue id of the model that served; null when none did.</summary>
    public string? Model { get; init; }

    /// <summary>The provider's own id of that model; null when none served.</summary>
    public string? ProviderModelId { get; init; }

    /// <summary>The price that was pinned when the request began; null when no offer was chosen.</summary>
    public OfferPrice? Price { get; init; }

    /// <summary>The retired model that the caller asked for, whose successor served with the caller's consent; null where nobody stood in for anybody.</summary>
    public Retirement? SubstituteFor { get; init; }

    /// <summary>The word of <c>x-fairlead-policy</c>.</summary>
    public string Policy { get; init; } = "";

    /// <summary>Version of the catalogue snapshot that was ranked.</summary>
    public long CatalogueVersion { get; init; }

    /// <summary>Seed of the ranking; with the snapshot and the query it gives the same order again.</summary>
    public ulong Seed { get; init; }

    /// <summary>The failover order, by offer name.</summary>
    public IReadOnlyList<string> Candidates { get; init; } = [];

    /// <summary>Offers that were no candidates, and why.</summary>
    public IReadOnlyList<ExcludedOffer> Excluded { get; init; } = [];

    /// <summary>Every attempt, in order.</summary>
    public IReadOnlyList<Attempt> Attempts { get; init; } = [];

    /// <summary>The caller's <c>X-HF-Session-id</c> or <c>X-Client-Request-Id</c>, printable ASCII, at most 255 bytes; null when none was sent.</summary>
    public string? ClientReference { get; init; }

    /// <summary>Set when the request carried an Idempotency-Key and reached a provider.</summary>
    public IdempotencyMark? Idempotency { get; init; }
}

/// <summary>An offer that was no candidate.</summary>
public readonly record struct ExcludedOffer(string Offer, ExclusionReason Reason);

/// <summary>One try at one offer. Times are milliseconds since the request came; null where that point was not reached.</summary>
public sealed record Attempt
{
    public required string Offer { get; init; }
    public required double StartMs { get; init; }

    /// <summary>A model of our own had a place for it: before that it was loaded, or others had its slots. Null elsewhere, and where it got none.</summary>
    public double? PlaceMs { get; init; }

    /// <summary>How long it waited for that place; null where <see cref="PlaceMs"/> is.</summary>
    public double? WaitedMs => PlaceMs - StartMs;

    /// <summary>It waited, or was refused, because a model of our own was not loaded.</summary>
    public bool WasCold { get; init; }

    /// <summary>Connection there to be used; equals <see cref="StartMs"/>, or <see cref="PlaceMs"/>, when a pooled one was taken.</summary>
    public double? ConnectedMs { get; init; }

    public double? HeadersMs { get; init; }
    public double? FirstTokenMs { get; init; }
    public required double EndMs { get; init; }

    /// <summary>Null for the attempt that served.</summary>
    public FaultKind? Fault { get; init; }

    public int? UpstreamStatus { get; init; }

    /// <summary>What the upstream said, redacted, at most 300 characters; null for the attempt that served.</summary>
    public string? Detail { get; init; }

    /// <summary>The provider's own request id, at most 128 printable ASCII characters; null when it sent none.</summary>
    public string? UpstreamRequestId { get; init; }
}
