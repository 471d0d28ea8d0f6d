using System.Runtime.CompilerServices;

namespace Fairlead.Engine.Templates;

/// <summary>What one rendering may use. Templates come from strangers: what exceeds a limit ends in <see cref="ChatTemplateException"/>.</summary>
/// <remarks>
/// What counts is steps and sizes, so that the same template and conversation end the same on every machine; the time is for a machine on which
/// those steps would hold a caller up for longer than anybody waits. The defaults come from the 57 real
/// templates of the shared fixtures over conversations of 1,000 and 2,000 messages; <c>LimitsTests</c> measures them again.
/// </remarks>
public sealed record TemplateLimits
{
    /// <summary>The limits of every rendering that names none.</summary>
    public static TemplateLimits Default { get; } = new();

    /// <summary>
    /// Expressions evaluated, statements run and list elements made. 5 million: real templates take up to 130 for a message, so 38,000
    /// messages fit; the one that looks back over all messages at every message fits 1,250. A loop that does nothing else is stopped after
    /// a second or two.
    /// </summary>
    public long Steps { get; init; } = 5_000_000;

    /// <summary>UTF-16 units of the rendered prompt. 1 Mi: some 250,000 tokens of English.</summary>
    public int Output { get; init; } = 1 << 20;

    /// <summary>UTF-16 units of all texts made on the way, the prompt included; it bounds the memory of a rendering. 64 Mi.</summary>
    public long Built { get; init; } = 64L << 20;

    /// <summary>Nested evaluations: expressions in statements in macros in macros. 1,500: real templates stay below 40.</summary>
    public int Depth { get; init; } = 1_500;

    /// <summary>How long a rendering may take: 10 s, several times what all steps take on an idle core. Looked at every 16,384 steps.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>What is left of the limits in one rendering.</summary>
internal sealed class Budget(TemplateLimits limits, TimeProvider clock)
{
    private const long StepsBetweenLooks = 16_384;

    private readonly long _began = clock.GetTimestamp();
    private long _nextLook = StepsBetweenLooks;
    private long _steps;
    private long _built;
    private int _depth;

    /// <summary>Steps taken so far.</summary>
    public long Steps => _steps;

    /// <summary>The deepest nesting seen.</summary>
    public int Deepest { get; private set; }

    /// <summary>UTF-16 units built so far.</summary>
    public long Built => _built;

    public int Output => limits.Output;

    /// <summary>Takes <paramref name="count"/> steps or ends the rendering.</summary>
    public void Spend(long count = 1)
    {
        _steps += count;
        if (_steps > limits.Steps)
            throw new TemplateFault($"the template takes more than {limits.Steps} steps; it loops too long for this conversation");
        if (_steps < _nextLook)
            return;
        _nextLook = _steps + StepsBetweenLooks;
        if (clock.GetElapsedTime(_began) > limits.Time)
            throw new TemplateFault($"the template takes longer than {limits.Time.TotalSeconds:0.###} seconds");
    }

    /// <summary>Accounts for a text of <paramref name="length"/> UTF-16 units that is about to be made.</summary>
    public void Build(long length)
    {
        if (length > limits.Built - _built)
            throw new TemplateFault($"the template builds more than {limits.Built} characters of text");
        _built += length;
        // Making text costs time too: 64 units are worth a step.
        Spend(length >> 6);
    }

    /// <summary>A text that has just been made, accounted for.</summary>
    public TextValue Text(string text)
    {
        Build(text.Length);
        return new TextValue(text);
    }

    /// <summary>Goes one level down; <see cref="Leave"/> goes up again.</summary>
    public void Enter()
    {
        _depth++;
        if (_depth > Deepest)
            Deepest = _depth;
        // The count decides; the look at the stack is for callers that have little of it left.
        if (_depth > limits.Depth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new TemplateFault($"the template nests deeper than {limits.Depth} levels; a macro may be calling itself without end");
    }

    public void Leave() => _depth--;
}
