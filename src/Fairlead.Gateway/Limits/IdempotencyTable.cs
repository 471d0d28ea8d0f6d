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

    /// <summary>Most keys that are remembered; the oldest go first.</summary>
    public const int MostMarks = 100_000;

    /// <summary>Most bytes of answers that are kept; the oldest go first.</summary>
    public const long MostBytes = 64 << 20;

    /// <summary>Largest answer that is kept for a repetition.</summary>
    public const int MostBytesPerAnswer = 1 << 20;

    private readonly Lock _gate = new();
    private readonly Dictionary<UInt128, Entry> _entries = [];
    private readonly LinkedList<Entry> _byAge = new();
    private readonly LinkedList<Entry> _answered = new();
    private long _bytes;

    /// <summary>Keys that are remembered now.</summary>
    public int Marks
    {
        get
        {
            lock (_gate)
                return _entries.Count;
        }
    }

    /// <summary>Bytes of answers that are kept now.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
                return _bytes;
        }
    }

    /// <summary>Claims a key for a request, or says what became of the one that claimed it first.</summary>
    public Claim TryClaim(in IdempotencyMark mark, RequestId request)
    {
        lock (_gate)
        {
            ForgetOld();
            if (!_entries.TryGetValue(mark.KeyHash, out Entry? entry))
            {
                Add(mark, request, time.GetUtcNow(), finished: false);
                return new Claim(ClaimKind.Claimed, request, null);
            }
            if (entry.Mark.BodyHash != mark.BodyHash)
                return new Claim(ClaimKind.OtherBody, entry.Request, null);
            return entry.Finished
                ? new Claim(ClaimKind.Finished, entry.Request, entry.Answer)
                : new Claim(ClaimKind.InFlight, entry.Request, null);
        }
    }

    /// <summary>The request that holds the key has ended and was paid for; its answer is kept if there is one to be told again.</summary>
    public void Finish(in IdempotencyMark mark, RequestId request, RecordedAnswer? answer)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(mark.KeyHash, out Entry? entry) || entry.Request != request || entry.Finished)
                return;
            entry.Finished = true;
            if (answer is null)
                return;
            entry.Answer = answer;
            entry.Kept = _answered.AddLast(entry);
            _bytes += answer.Body.Length;
            while (_bytes > MostBytes)
                ForgetAnswer(_answered.First!.Value);
        }
    }

    /// <summary>Frees a key whose request was refused before it cost anything: a repetition is a new try.</summary>
    public void Release(in IdempotencyMark mark, RequestId request)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue(mark.KeyHash, out Entry? entry) && entry.Request == request)
                Remove(entry);
        }
    }

    /// <summary>Takes over a mark that the ledger remembers.</summary>
    public void Restore(in IdempotencyMark mark, RequestId request, DateTimeOffset at)
    {
        lock (_gate)
        {
            if (!_entries.ContainsKey(mark.KeyHash))
                Add(mark, request, at, finished: true);
        }
    }

    private void Add(in IdempotencyMark mark, RequestId request, DateTimeOffset at, bool finished)
    {
        var entry = new Entry { Mark = mark, Request = request, At = at, Finished = finished };
        _entries[mark.KeyHash] = entry;
        entry.Aged = _byAge.AddLast(entry);
    }

    private void ForgetOld()
    {
        DateTimeOffset before = time.GetUtcNow() - Life;
        while (_byAge.First is { } oldest && (oldest.Value.At < before || _entries.Count >= MostMarks))
            Remove(oldest.Value);
    }

    private void Remove(Entry entry)
    {
        _entries.Remove(entry.Mark.KeyHash);
        _byAge.Remove(entry.Aged!);
        ForgetAnswer(entry);
    }

    private void ForgetAnswer(Entry entry)
    {
        if (entry.Kept is not { } kept)
            return;
        _bytes -= entry.Answer!.Body.Length;
        _answered.Remove(kept);
        (entry.Kept, entry.Answer) = (null, null);
    }

    private sealed class Entry
    {
        public required IdempotencyMark Mark { get; init; }
        public required RequestId Request { get; init; }
        public required DateTimeOffset At { get; init; }
        public bool Finished { get; set; }
        public RecordedAnswer? Answer { get; set; }
        public LinkedListNode<Entry>? Aged { get; set; }
        public LinkedListNode<Entry>? Kept { get; set; }
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
