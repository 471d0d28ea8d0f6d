namespace Fairlead.Upstreams;

/// <summary>Everything that can answer a request: a provider's API or a server of the operator's own.</summary>
public interface IUpstream
{
    /// <summary>Sends one attempt and waits for the answer's status and headers.</summary>
    /// <returns>
    /// <see cref="UpstreamReply.Opened"/>: a 2xx; the caller owns the reply now, reads its body, and disposes it. Disposing before the end
    /// closes the connection, which is how a hang-up of the caller reaches the upstream.
    /// <see cref="UpstreamReply.Refused"/>: the attempt failed and why. Never throws for anything an upstream or network can do;
    /// cancellation by the caller throws <see cref="OperationCanceledException"/> after the connection has been closed.
    /// </returns>
    ValueTask<UpstreamReply> OpenAsync(UpstreamCall call, CancellationToken cancellationToken);
}
