using Fairlead.Upstreams;

namespace Fairlead.Gateway.Dispatch;

/// <summary>How far the answer of one attempt came.</summary>
internal sealed class AnswerProgress
{
    /// <summary>What was asked; knows when it left.</summary>
    public required UpstreamCall Call { get; init; }

    /// <summary>When the attempt began, or had its place in a model of our own, in milliseconds since the request came: what is measured of an offer's
    /// speed begins here.</summary>
    public required double StartMs { get; set; }

    /// <summary>Time stamp of the first event or of the whole body; 0 before.</summary>
    public long FirstTokenAt { get; set; }

    /// <summary>Time stamp of the answer's last byte, or of where it broke off or was left; 0 while it comes.</summary>
    public long EndAt { get; set; }

    /// <summary>The attempt stands in the record already: the answer was settled with it.</summary>
    public bool Recorded { get; set; }
}
