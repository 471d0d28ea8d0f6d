using Fairlead.Engine.Generation.Speculation;

namespace Fairlead.Engine.Generation;

/// <summary>What a model's batch loop has done and is doing. Written by the loop, read by any thread; each figure by itself is right, two may be a step apart.</summary>
public sealed class GenerationCounters
{
    /// <summary>How much a step changes the means of the last ones.</summary>
    private const double Recent = 1.0 / 32;

    private double _fill;
    private double _tokens;
    private double _seconds;

    /// <summary>Answers that may be written at once.</summary>
    public int Slots { get; internal init; }

    /// <summary>Answers being written.</summary>
    public int Running { get; internal set; }

    /// <summary>Requests and put-back answers that wait for a slot or for room in the cache.</summary>
    public int Waiting { get; internal set; }

    /// <summary>Steps of the model.</summary>
    public long Steps { get; private set; }

    /// <summary>Rows of all steps; divided by <see cref="Steps"/> it says how many tokens share one reading of the weights.</summary>
    public long Rows { get; private set; }

    /// <summary>Seconds in steps.</summary>
    public double BusySeconds { get; private set; }

    /// <summary>Answers of the last steps ÷ <see cref="Slots"/>, 0 to 1; 0 while nothing is written.</summary>
    public double BatchFill => Running == 0 ? 0 : _fill;

    /// <summary>Tokens chosen in a second of the last steps, of all answers together; 0 while nothing is written.</summary>
    public double TokensPerSecond => Running == 0 || _seconds <= 0 ? 0 : _tokens / _seconds;

    /// <summary>Tokens of prompts that were to be read, cached ones included; an answer that was put back counts again.</summary>
    public long PromptTokens { get; internal set; }

    /// <summary>How many of <see cref="PromptTokens"/> did not have to be read.</summary>
    public long CachedTokens { get; internal set; }

    /// <summary>Tokens chosen.</summary>
    public long CompletionTokens { get; internal set; }

    /// <summary>Rows for tokens that were guessed ahead.</summary>
    public long Guessed { get; private set; }

    /// <summary>How many of <see cref="Guessed"/> were then chosen: steps that were saved.</summary>
    public long GuessedRight { get; private set; }

    /// <summary>How many of <see cref="Guessed"/> a draft model proposed; the others were found in the text.</summary>
    public long Drafted { get; private set; }

    /// <summary>How many of <see cref="Drafted"/> were then chosen.</summary>
    public long DraftedRight { get; private set; }

    /// <summary>Seconds that a draft model computed, which are among <see cref="BusySeconds"/>.</summary>
    public double DraftSeconds { get; internal set; }

    /// <summary>Answers that gave their room in the cache to an older one and were read again later.</summary>
    public long PutBack { get; internal set; }

    /// <summary>Requests accepted.</summary>
    public long Accepted { get; internal set; }

    /// <summary>Requests that ended, failed ones included.</summary>
    public long Ended { get; internal set; }

    /// <summary>Requests that failed.</summary>
    public long Failed { get; internal set; }

    /// <summary>Blocks of the key/value cache.</summary>
    public int Blocks { get; internal init; }

    /// <summary>Blocks that nothing lies in that anybody could want.</summary>
    public int FreeBlocks { get; internal set; }

    /// <summary>Blocks kept for prompts that begin alike; they make room for whoever needs it.</summary>
    public int KeptBlocks { get; internal set; }

    /// <summary>Of what was guessed of one text so many tokens came true.</summary>
    internal void Judged(Proposal proposal, int right)
    {
        Guessed += proposal.Count;
        GuessedRight += right;
        if (!proposal.IsDrafted)
            return;
        Drafted += proposal.Count;
        DraftedRight += right;
    }

    /// <summary>One step more.</summary>
    /// <param name="rows">Its rows.</param>
    /// <param name="answers">Answers that had one among them.</param>
    /// <param name="tokens">Tokens chosen after it.</param>
    /// <param name="seconds">How long it took, with the choosing.</param>
    internal void Stepped(int rows, int answers, long tokens, double seconds)
    {
        double weight = Steps == 0 ? 1 : Recent;
        _fill += (((double)answers / Slots) - _fill) * weight;
        _tokens += (tokens - _tokens) * weight;
        _seconds += (seconds - _seconds) * weight;
        Steps++;
        Rows += rows;
        BusySeconds += seconds;
    }
}
