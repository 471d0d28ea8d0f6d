using Fairlead.Engine.Constraints;
using Fairlead.Engine.Generation.Speculation;

namespace Fairlead.Engine.Generation;

/// <summary>One choice of one request while it is being written, or while it waits for that.</summary>
internal sealed class BatchSequence(BatchRequest request, int choice)
{
    /// <summary>
    /// Of prompt or answer: the token, its place in the prompt as it was asked, its share of a block's number, and what penalties count (two arrays
    /// and a table of up to four times as many places).
    /// </summary>
    public const int BytesPerToken = 32;

    private Sampler? _sampler;
    private AnswerText? _text;
    private ProposalPace _pace;

    public BatchRequest Request { get; } = request;

    public int Choice { get; } = choice;

    /// <summary>Prompt and answer; <see cref="Length"/> of them are there. Made when the sequence gets its first slot, with room for the longest answer.</summary>
    public int[] Tokens { get; private set; } = [];

    public int Length { get; private set; } = request.Request.Prompt.Length;

    /// <summary>Tokens whose keys and values are in the cache.</summary>
    public int Read { get; set; }

    public int Missing => Length - Read;

    public KvSequence Blocks { get; private set; } = new();

    /// <summary>The last block that <see cref="PrefixCache"/> knows of this sequence, and how many it knows.</summary>
    public (int Last, int Count) Known { get; set; } = (PrefixCache.Root, 0);

    /// <summary>Rows of the step that is being planned.</summary>
    public int Take { get; set; }

    /// <summary>How the text may go on; <see cref="Guessed"/> of these tokens are rows of the step that is being planned.</summary>
    public int[] Guess { get; private set; } = [];

    /// <summary>Rows of that step for tokens that nobody has chosen yet.</summary>
    public int Guessed { get; set; }

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
    public void Begin(Func<bool, AnswerDecoder> newDecoder, int guesses)
    {
        if (Tokens.Length > 0)
            return;
        GenerationRequest asked = Request.Request;
        Tokens = new int[asked.Prompt.Length + Request.MaxTokens];
        asked.Prompt.CopyTo(Tokens);
        Guess = new int[guesses];
        Blocks = new KvSequence(Tokens.Length);
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

    /// <summary>Guesses at most <paramref name="most"/> tokens into <see cref="Guess"/>, and says how many.</summary>
    public int Propose(int most) => most <= 0 ? 0 : PromptLookup.Propose(Tokens.AsSpan(0, Length), Guess.AsSpan(0, _pace.Next(most)));

    /// <summary>Of so many guesses so many came true.</summary>
    public void Came(int guessed, int right) => _pace.Came(guessed, right);

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
