using Fairlead.Engine.Constraints;
using Fairlead.Engine.Generation.Speculation;
using Fairlead.Engine.Kernels.Packed;

namespace Fairlead.Engine.Generation;

/// <summary>One choice of one request while it is being written, or while it waits for that.</summary>
internal sealed class BatchSequence
{
    /// <summary>
    /// Of prompt or answer: the token, its place in the prompt as it was asked, its share of a block's number, and what penalties count (two arrays
    /// and a table of up to four times as many places).
    /// </summary>
    public const int BytesPerToken = 32;

    private Sampler? _sampler;
    private AnswerText? _text;

    public BatchSequence(BatchRequest request, int choice)
    {
        (Request, Choice, Length) = (request, choice, request.Request.Prompt.Length);
        Cached = new CachedText(this, positions: 0);
        Ahead = new Proposal(most: 0, new CachedText(this, positions: 0));
    }

    public BatchRequest Request { get; }

    public int Choice { get; }

    /// <summary>Prompt and answer; <see cref="Length"/> of them are there. Made when the sequence gets its first slot, with room for the longest answer.</summary>
    public int[] Tokens { get; private set; } = [];

    public int Length { get; private set; }

    /// <summary>What the model's cache holds of it.</summary>
    public CachedText Cached { get; private set; }

    /// <summary>Tokens whose keys and values are in that cache.</summary>
    public int Read => Cached.Read;

    public int Missing => Length - Read;

    public KvSequence Blocks => Cached.Blocks;

    /// <summary>Whether the token at a position was given or written.</summary>
    public Phase PhaseOf(int position) => position < Request.Request.Prompt.Length ? Phase.Prefill : Phase.Decode;

    /// <summary>Tokens of one phase that are to be read before any of the other.</summary>
    public int MissingOf(Phase phase) => phase == Phase.Prefill ? Request.Request.Prompt.Length - Read : Missing;

    /// <summary>
    /// Whether all of it but its last token has been read, so that it goes on with one row in a step. Where prompts and answers are computed differently, the last token of a prompt is read as a
    /// prompt is, though all others of it be known.
    /// </summary>
    public bool MayAnswer(bool dependsOnPhase) => Missing == 1 && (!dependsOnPhase || PhaseOf(Read) == Phase.Decode);

    /// <summary>Whether it has such a row in the step that is being planned.</summary>
    public bool IsAnswering { get; set; }

    /// <summary>Rows of it that are on their way through the layers, see <see cref="PromptPass"/>.</summary>
    public int UnderWay { get; set; }

    /// <summary>How the text may go on: rows of that step for tokens that nobody has chosen yet.</summary>
    public Proposal Ahead { get; private set; }

    public Sampler Sampler => _sampler ?? throw new InvalidOperationException("the sequence has had no slot yet");

    public AnswerText Text => _text ?? throw new InvalidOperationException("the sequence has had no slot yet");

    /// <summary>What its text must look like from here on.</summary>
    public TokenConstraint? Constraint { get; private set; }

    /// <summary>The stop string that ended it.</summary>
    public string? Stop => _text?.Stop;

    /// <summary>Tokens chosen so far.</summary>
    public int Chosen => _sampler?.Chosen ?? 0;

    /// <summary>True while each token of the prompt must be asked what the model makes of the next.</summary>
    public bool WantsPromptScores => Request.Request is { Echo: true, Logprobs: true } && !Request.PromptRead;

    /// <summary>Makes what the sequence keeps from its first slot to its end, also while it is put back.</summary>
    /// <param name="guesses">Tokens that are guessed ahead at most.</param>
    /// <param name="draftContext">Positions that a draft reads at most; 0 without one.</param>
    public void Begin(Func<bool, AnswerDecoder> newDecoder, int guesses, int draftContext)
    {
        if (Tokens.Length > 0)
            return;
        GenerationRequest asked = Request.Request;
        Tokens = new int[asked.Prompt.Length + Request.MaxTokens];
        asked.Prompt.CopyTo(Tokens);
        Cached = new CachedText(this, Tokens.Length);
        Ahead = new Proposal(guesses, new CachedText(this, Math.Min(Tokens.Length, draftContext)));
        _sampler = new Sampler(asked.Sampling, Request.EndTokens, Request.Seed, Choice, asked.Prompt.AsSpan(), Request.MaxTokens);
        Constraint = asked.Constraint?.Fork();
        AnswerDecoder decoder = newDecoder(asked.SkipSpecialTokens);
        if (asked.Echo)
            PromptText = string.Concat(asked.Prompt.Select(decoder.Append));
        else if (asked.ContinuesPrompt)
            Remember(decoder, asked);
        if (asked.Echo && !asked.ContinuesPrompt)
            decoder = newDecoder(asked.SkipSpecialTokens);
        _text = new AnswerText(Choice, decoder, new StopRule(asked.Stop), asked.Logprobs);
    }

    /// <summary>The prompt's text, where it is echoed.</summary>
    public string PromptText { get; private set; } = "";

    /// <summary>One token more of the answer.</summary>
    public void Add(int token) => Tokens[Length++] = token;

    /// <summary>Older requests first, and the choices of one in order.</summary>
    public bool IsOlderThan(BatchSequence other) =>
        Request.Arrival < other.Request.Arrival || (Request.Arrival == other.Request.Arrival && Choice < other.Choice);

    // The decoder learns where the text stands from the prompt's last tokens: no character is longer than four of them, and four more to begin with.
    private static void Remember(AnswerDecoder decoder, GenerationRequest asked)
    {
        for (int i = Math.Max(0, asked.Prompt.Length - 8); i < asked.Prompt.Length; i++)
            decoder.Append(asked.Prompt[i]);
    }
}
