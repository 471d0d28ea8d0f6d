using Fairlead.Engine.Kernels.Packed;

namespace Fairlead.Engine.Generation.Speculation;

/// <summary>Guesses how texts go on by what a second model takes to be most likely: a pass of that model for each token ahead, of all texts together.</summary>
/// <remarks>
/// The draft follows a text when it is asked about it, not before: it then reads what it has not seen yet, in pieces that take no more than half of the time that a step may last. Until it has seen
/// all of it, it guesses nothing. It keeps keys and values of its own, room for every slot's whole context, and shares them between texts as the model does.
/// What its passes take is measured. Nothing is known of that before it was asked for the first time, so its first two passes are short ones, and each later one is at most twice as long as any before:
/// what a few rows take does not tell what many do.
/// </remarks>
internal sealed class DraftProposer : IDisposable
{
    /// <summary>Rows of a pass: a prompt is read in pieces of so many at most.</summary>
    public const int MostRows = 128;

    /// <summary>Rows of a pass while nothing is known of what it takes.</summary>
    private const int FirstRows = 4;

    /// <summary>By so much a pass is taken to be cheaper after a step without: what was measured on a bad day is forgotten in some thousand steps.</summary>
    private const double Forgotten = 1.0 / 2048;

    private readonly BatchDraft _draft;
    private readonly int _known;
    private readonly TimeProvider _time;
    private readonly CacheRoom _room;
    private readonly RowCosts _passes = new(MostRows);
    private readonly double _mostSeconds; // of a piece
    private readonly StepRow[] _rows;
    private readonly float[] _scores;
    private readonly List<BatchSequence> _asked = new(Speculator.AnswerRows); // whose rows want scores, in their order

    /// <param name="draft">Its cache is owned by this from here on.</param>
    /// <param name="vocabularySize">Of the model whose answers are guessed; the draft's may be padded to another length.</param>
    /// <param name="time">What passes are measured by.</param>
    public DraftProposer(BatchDraft draft, int vocabularySize, BatchLimits limits, TimeProvider time)
    {
        (_draft, _time) = (draft, time);
        _known = Math.Min(draft.VocabularySize, vocabularySize);
        _room = new CacheRoom(draft.Cache, draft.DependsOnPhase);
        _mostSeconds = limits.Stall == TimeSpan.MaxValue ? double.MaxValue : limits.Stall.TotalSeconds / 2;
        _rows = new StepRow[MostRows];
        _scores = new float[checked(Texts(limits) * draft.VocabularySize)];
    }

    /// <summary>Seconds that the last <see cref="Propose"/> took.</summary>
    public double Seconds { get; private set; }

    /// <summary>How much of <see cref="Seconds"/> it has to pay for: not what nobody could know before, its first two passes, for which code and memory may be cold, and of a pass that took more than twice as long as the ones before not what is beyond that.</summary>
    public double SecondsCharged { get; private set; }

    /// <summary>Whether it was measured what a pass takes.</summary>
    public bool IsKnown => _passes.Measured >= 2;

    /// <summary>Rows of the longest pass that may be computed next.</summary>
    private int Longest => IsKnown ? Math.Min(2 * _passes.Largest, _rows.Length) : FirstRows;

    /// <summary>Seconds of a pass that guesses one token of each of <paramref name="texts"/>.</summary>
    public double SecondsOfPass(int texts) => _passes.Of(texts);

    /// <summary>Seconds that it takes to read what the draft has not read of a text, but for the last token, which it reads when it guesses.</summary>
    public double SecondsToRead(BatchSequence text) => _passes.Of(Unread(text)) - _passes.Of(1);

    /// <summary>Seconds of the same; where nobody knows yet what so many rows take, of its next piece.</summary>
    public double SecondsOfPiece(BatchSequence text)
    {
        int longest = Longest, unread = Unread(text);
        return unread <= longest || longest == _rows.Length ? SecondsToRead(text) : _passes.Of(longest);
    }

    /// <summary>Bytes that guessing takes beside the draft and its cache.</summary>
    public static long BytesFor(BatchLimits limits, int vocabularySize) => (long)Texts(limits) * vocabularySize * sizeof(float);

    /// <summary>How far ahead of the text the draft can look: its context may be shorter, and its vocabulary may lack a token of the text.</summary>
    public int Reach(BatchSequence text)
    {
        int reach = _draft.ContextLength - text.Length + 1; // the last token that it guesses it need not read
        return reach > 0 && text.Tokens.AsSpan(text.Ahead.Draft.Read, text.Length - text.Ahead.Draft.Read).IndexOfAnyExceptInRange(0, _known - 1) < 0 ? reach : 0;
    }

    /// <summary>Gives a text room, unless it goes on with what an older one is about to read: it then waits for that, as choices of one prompt do, which come at the same time.</summary>
    /// <param name="older">Texts that are asked about in this step.</param>
    public bool TryFollow(BatchSequence text, ReadOnlySpan<BatchSequence> older)
    {
        CachedText held = text.Ahead.Draft;
        if (held.IsPlaced)
            return true;
        foreach (BatchSequence other in older)
        {
            CachedText read = other.Ahead.Draft;
            if (_room.Common(held, read) >= read.Read + KvCache.BlockPositions)
                return false; // a block that both begin with is still to be read
        }

        if (!_room.TryPlace(held, reserve: 0, readsAll: false))
            throw NoRoom();
        return true;
    }

    /// <summary>Guesses up to <see cref="Proposal.Wanted"/> tokens of each text; fewer where it takes the text to end there, none while it has not read the whole of it.</summary>
    /// <param name="texts">Oldest first; each is followed.</param>
    public void Propose(List<BatchSequence> texts)
    {
        (Seconds, SecondsCharged) = (0, 0);
        if (texts.Count == 0)
            _passes.Fade(Forgotten);
        _asked.Clear();
        foreach (BatchSequence text in texts)
        {
            if (!_room.TryGrow(text.Ahead.Draft, text.Length + text.Ahead.Wanted - 1))
                throw NoRoom();
        }

        for (int rows = ReadOn(texts); rows > 0; rows = GuessOn())
        {
            long began = _time.GetTimestamp();
            try
            {
                _draft.Step(_rows.AsSpan(0, rows), _draft.Cache, _scores.AsSpan(0, _asked.Count * _draft.VocabularySize));
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"its draft failed: {e.Message}", e);
            }

            foreach (BatchSequence text in texts)
                _room.KeepFull(text.Ahead.Draft);
            double seconds = _time.GetElapsedTime(began).TotalSeconds;
            Seconds += seconds;
            SecondsCharged += IsKnown ? _passes.Believable(rows, seconds) : 0;
            _passes.Learn(rows, seconds);
        }
    }

    /// <summary>The text is guessed no more, or will be read again from its beginning.</summary>
    public void Forget(CachedText text) => _room.Leave(text);

    /// <inheritdoc/>
    public void Dispose() => _draft.Cache.Dispose();

    /// <summary>The rows that the draft has not read yet, of the oldest text first, as many as there is time for; how many those are.</summary>
    private int ReadOn(List<BatchSequence> texts)
    {
        int rows = 0, spare = Math.Max(1, Math.Min(Longest, _passes.Within(_mostSeconds, texts.Count + KvCache.BlockPositions, _rows.Length)) - texts.Count);
        foreach (BatchSequence text in texts)
        {
            CachedText held = text.Ahead.Draft;
            int more = Math.Min(text.Length - held.Read - 1, spare);
            spare -= more;
            for (int end = held.Read + more + 1; held.Read < end; held.Read++)
                _rows[rows++] = new StepRow(text.Tokens[held.Read], held.Blocks, held.Read, text.PhaseOf(held.Read), held.Read == text.Length - 1);
            if (held.Read == text.Length)
                _asked.Add(text);
        }

        return rows;
    }

    /// <summary>Takes the most likely token of each text that was asked about, and makes a row of it where one more is wanted; how many rows those are.</summary>
    private int GuessOn()
    {
        int rows = 0;
        for (int i = 0; i < _asked.Count; i++)
        {
            BatchSequence text = _asked[i];
            Proposal ahead = text.Ahead;
            int token = Scores.Best(_scores.AsSpan(i * _draft.VocabularySize, _known));
            if (token < 0 || text.Request.EndTokens.Contains(token))
                continue; // behind an end there is nothing to save
            ahead.Tokens[ahead.Count++] = token;
            if (ahead.Count == ahead.Wanted)
                continue;
            _rows[rows] = new StepRow(token, ahead.Draft.Blocks, ahead.Draft.Read++, Phase.Decode, WantsLogits: true);
            _asked[rows++] = text;
        }

        _asked.RemoveRange(rows, _asked.Count - rows);
        return rows;
    }

    private static InvalidOperationException NoRoom() => new("the draft's cache has fewer blocks than its slots need");

    private static int Unread(BatchSequence text) => text.Length - text.Ahead.Draft.Read;

    /// <summary>Texts that are guessed in one step at most.</summary>
    private static int Texts(BatchLimits limits) => Math.Min(limits.Slots, Speculator.AnswerRows);
}
