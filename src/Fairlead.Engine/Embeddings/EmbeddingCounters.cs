namespace Fairlead.Engine.Embeddings;

/// <summary>What an embedding model has done and is doing. Written by its loop, read by any thread; each figure by itself is right, two may be a pass apart.</summary>
public sealed class EmbeddingCounters
{
    /// <summary>How much a pass changes the mean of the last ones.</summary>
    private const double Recent = 1.0 / 16;

    private double _fill;

    /// <summary>Requests whose texts may share passes.</summary>
    public int Slots { get; internal init; }

    /// <summary>Requests whose texts are being computed.</summary>
    public int Running { get; internal set; }

    /// <summary>Requests that wait for that.</summary>
    public int Waiting { get; internal set; }

    /// <summary>Passes of the encoder.</summary>
    public long Passes { get; private set; }

    /// <summary>Texts that have a vector.</summary>
    public long Texts { get; private set; }

    /// <summary>Tokens that were read.</summary>
    public long Tokens { get; private set; }

    /// <summary>Seconds in passes.</summary>
    public double BusySeconds { get; private set; }

    /// <summary>Tokens of the last passes ÷ most of a pass, 0 to 1; 0 while nothing is computed.</summary>
    public double BatchFill => Running == 0 ? 0 : _fill;

    internal void Passed(int texts, int tokens, double fill, double seconds)
    {
        _fill = Passes == 0 ? fill : _fill + ((fill - _fill) * Recent);
        Passes++;
        Texts += texts;
        Tokens += tokens;
        BusySeconds += seconds;
    }
}
