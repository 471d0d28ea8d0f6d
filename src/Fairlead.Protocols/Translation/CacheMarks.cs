namespace Fairlead.Protocols.Translation;

/// <summary>Counts the places of a request up to which it is to be kept; Anthropic takes four, and where there are more the last ones hold.</summary>
internal struct CacheMarks
{
    private const int Most = 4;

    /// <summary>All that were asked for.</summary>
    public int Seen { get; private set; }

    /// <summary>How many of the first are dropped.</summary>
    private int _dropped;

    /// <summary>Marks that are all taken, to be counted.</summary>
    public static CacheMarks Counting => default;

    /// <param name="all">How many there are.</param>
    /// <param name="atTheEnd">The end of the whole request is marked, too, which takes one of the four.</param>
    public static CacheMarks Of(int all, bool atTheEnd) => new() { _dropped = Math.Max(0, all - (atTheEnd ? Most - 1 : Most)) };

    /// <summary>Takes the next one; false when it is one too many.</summary>
    public bool Take() => ++Seen > _dropped;
}
