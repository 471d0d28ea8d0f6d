namespace Fairlead.Gateway.Dispatch;

/// <summary>How far the answer of one attempt came.</summary>
internal sealed class AnswerProgress
{
    /// <summary>When the attempt began, or had its place in a model of our own, in milliseconds since the request came: what is measured of an offer's
    /// speed begins here.</summary>
    public required double StartMs { get; set; }

    /// <summary>Time stamp of the first event or of the whole body; 0 before.</summary>
    public long FirstTokenAt { get; set; }

    /// <summary>The attempt stands in the record already: the answer was settled with it.</summary>
    public bool Recorded { get; set; }
}
