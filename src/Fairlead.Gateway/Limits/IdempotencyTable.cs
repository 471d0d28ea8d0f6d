using Fairlead.Domain.Ids;
using Fairlead.Domain.Ledger;

namespace Fairlead.Gateway.Limits;

/// <summary>What became of the Idempotency-Keys of the last 24 hours: the same key and body never reaches a provider twice.</summary>
/// <remarks>
/// Finished answers are kept in memory, up to a bound over all of them; the oldest are forgotten first, their marks are not. After a restart
/// the marks come back from the ledger, the answers do not: a repetition is then told which request it was (409), never charged again.
/// </remarks>
internal sealed class IdempotencyTable(TimeProvider time)
{
    /// <summary>How long a key is remembered.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromHours(24);

    private const int MostMarks = 100_000;
    private const long MostBytes = 64 << 20;

    /// <summary>Largest answer that is kept for a repetition.</summary>
    public const int MostBytesPerAnswer = 1 << 20;

    private readonly Lock _gate = new();
    private readonly Dictionary<UInt128, Entry> _entries = [];
    private readonly Queue<(UInt128 Key, DateTimeOffset At)> _byAge = new();
    private long _bytes;

    /// <summary>Claims a key for a request, or says what became of the one that claimed it first.</summary>
    public Claim TryClaim(in IdempotencyMark mark, RequestId request)
    {
        lock (_gate)
        {
            ForgetOld();
            if (!_entries.TryGetValue(mark.KeyHash, out Entry? entry))
            {
                Add(mark, request, finished: false);
                return new Claim(ClaimKind.Claimed, request, null);
            }
            if (entry.BodyHash != mark.BodyHash)
                return new Claim(ClaimKind.OtherBody, entry.Request, null);
            return entry.Finished
                ? new Claim(ClaimKind.Finished, entry.Request, entry.Answer)
                : new Claim(ClaimKind.InFlight, entry.Request, null);
        }
    }

    /// <summary>Keeps the answer of a request that reached a provider.</summary>
    public void Finish(in IdempotencyMark mark, RecordedAnswer? answer)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(mark.KeyHash, out Entry? entry))
                return;
            entry.Finished = true;
            if (answer is null)
                return;
            _bytes += answer.Body.Length;
            entry.Answer = answer;
            foreach ((UInt128 key, _) in _byAge)
            {
                if (_bytes <= MostBytes)
                    break;
                if (_entries.TryGetValue(key, out Entry? old) && old.Answer is { } dropped)
                {
                    _bytes -= dropped.Body.Length;
                    old.Answer = null;
                }
            }
        }
    }

    /// <summary>Frees a key whose request was refused before it cost anything: a repetition is a new try.</summary>
    public void Release(in IdempotencyMark mark)
    {
        lock (_gate)
            Remove(mark.KeyHash);
    }

    /// <summary>Takes over a mark that the ledger remembers.</summary>
    public void Restore(in IdempotencyMark mark, RequestId request)
    {
        lock (_gate)
        {
            if (!_entries.ContainsKey(mark.KeyHash))
                Add(mark, request, finished: true);
        }
    }

    private void Add(in IdempotencyMark mark, RequestId request, bool finished)
    {
        _entries[mark.KeyHash] = new Entry { BodyHash = mark.BodyHash, Request = request, Finished = finished };
        _byAge.Enqueue((mark.KeyHash, time.GetUtcNow()));
    }

    private void ForgetOld()
    {
        DateTimeOffset before = time.GetUtcNow() - Life;
        while (_byAge.TryPeek(out (UInt128 Key, DateTimeOffset At) oldest) && (oldest.At < before || _entries.Count > MostMarks))
        {
            _byAge.Dequeue();
            Remove(oldest.Key);
        }
    }

    private void Remove(UInt128 key)
    {
        if (_entries.Remove(key, out Entry? entry) && entry.Answer is { } answer)
            _bytes -= answer.Body.Length;
    }

    private sealed class Entry
    {
        public required UInt128 BodyHash { get; init; }
        public required RequestId Request { get; init; }
        public bool Finished { get; set; }
        public RecordedAnswer? Answer { get; set; }
    }
}

internal enum ClaimKind : byte
{
    /// <summary>Nobody had the key: go on.</summary>
    Claimed = 1,

    /// <summary>The first request is still under way.</summary>
    InFlight,

    /// <summary>The first request has ended; its answer is there unless it was too large or a restart came between.</summary>
    Finished,

    /// <summary>The key was used with another body.</summary>
    OtherBody,
}

/// <summary>What became of a key.</summary>
internal readonly record struct Claim(ClaimKind Kind, RequestId First, RecordedAnswer? Answer);

/// <summary>An answer as it left, to be sent again word for word.</summary>
internal sealed record RecordedAnswer(int Status, string ContentType, IReadOnlyList<KeyValuePair<string, string>> Headers, byte[] Body);
