using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Ids;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Gateway.Catalogue;
using Fairlead.Gateway.Dispatch;
using Fairlead.Gateway.Identity;
using Fairlead.Gateway.Limits;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Upstreams;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway;

/// <summary>One request on its way through the steps: what is known of it so far. Owned by its <see cref="RequestPath"/> run; each step fills in its part.</summary>
internal sealed class Exchange : IDisposable
{
    private readonly TimeProvider _time;
    private readonly long _began;

    public Exchange(HttpContext http, Route route, Deployment deployment, TimeProvider time)
    {
        _time = time;
        _began = time.GetTimestamp();
        Http = http;
        Route = route;
        Deployment = deployment;
        StartedAt = time.GetUtcNow();
        IdText = http.TraceIdentifier;
        Id = RequestId.TryParse(IdText, out RequestId id) ? id : throw new InvalidOperationException("The door gives every request its id.");
        Seed = (ulong)Id.Value.GetHashCode() * 0x9E37_79B9_7F4A_7C15;
    }

    public HttpContext Http { get; }
    public Route Route { get; }
    public RequestId Id { get; }
    public string IdText { get; }
    public DateTimeOffset StartedAt { get; }

    /// <summary>Read once; the request keeps it, whatever is reloaded meanwhile.</summary>
    public Deployment Deployment { get; }

    /// <summary>Chance for this request: ranking and back-off can be replayed with it.</summary>
    public ulong Seed { get; }

    // (1) Door
    public PooledBuffer Body { get; } = new(4096);
    public ScannedRequest? Scanned { get; set; }
    public string? Session { get; init; }
    public string? ClientReference { get; init; }
    public string? IdempotencyKey { get; init; }

    /// <summary>Headers of the caller's dialect that go along to an upstream of the same.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> DialectHeaders { get; set; } = [];

    /// <summary>How often the caller's SDK has already tried this request by itself (<c>X-Stainless-Retry-Count</c>).</summary>
    public int CallerRetries { get; init; }

    // (2) Identity
    public Caller? Caller { get; set; }

    /// <summary>What it does about a model that is not loaded.</summary>
    public ColdPolicy Cold { get; set; }

    // (3) Limits
    public Ticket? Ticket { get; set; }
    public NanoDollars Reserved { get; set; }

    /// <summary>The reservation is in the journal: something must close it, now or at the next start.</summary>
    public bool IsReserved { get; set; }

    public IdempotencyMark? Idempotency { get; set; }

    // (4) Catalogue and routing
    public string? Alias { get; set; }

    /// <summary>The model that was asked for, where its providers have withdrawn it; whoever is asked all the same stands in for it.</summary>
    public Retirement? Retired { get; set; }
    public IReadOnlyList<Candidate> Candidates { get; set; } = [];

    /// <summary>Who is asked, with the consent of the key, should all candidates turn out to have withdrawn the model as they have announced; held for like them.</summary>
    public IReadOnlyList<Candidate> StandIns { get; set; } = [];
    public IReadOnlyList<Excluded> Excluded { get; set; } = [];

    // (5) Dispatch
    public List<Attempt> Attempts { get; } = new(1);
    public OfferRuntime? Served { get; set; }
    /// <summary>Fields that had no effect with whoever serves, comma-separated; null where all had.</summary>
    public string? Ignored { get; set; }

    /// <summary>How the present attempt waits for a model of our own; null where it does not ask one.</summary>
    public PlaceWait? Place { get; set; }

    /// <summary>How long it has waited so already, over all attempts.</summary>
    public TimeSpan Waited { get; set; }

    public CallerStream? CallerStream { get; set; }

    /// <summary>What failed attempts may have cost us, so far; an estimate, never charged to the key.</summary>
    public NanoDollars Waste { get; set; }

    /// <summary>Copy of the answer for a later request with the same Idempotency-Key; null when none was sent.</summary>
    public AnswerRecording? Recording { get; set; }

    /// <summary>(6) The ledger has heard of its end; nobody closes it twice.</summary>
    public bool Closed { get; set; }

    public InferenceRequest Request => Scanned!.Request;

    /// <summary>The UTC day on which the request came: retirement dates and prices are that day's.</summary>
    public DateOnly Today => DateOnly.FromDateTime(StartedAt.UtcDateTime);

    /// <summary>Milliseconds since the request came.</summary>
    public double ElapsedMs => _time.GetElapsedTime(_began).TotalMilliseconds;

    /// <summary>The same scale for a time stamp of the clock; null for 0, which means that point was not reached.</summary>
    public double? MsAt(long timestamp) => timestamp == 0 ? null : _time.GetElapsedTime(_began, timestamp).TotalMilliseconds;

    public void Dispose() => Body.Dispose();
}
