using Fairlead.Domain.Ids;
using Fairlead.Domain.Inference;

namespace Fairlead.Upstreams;

/// <summary>One attempt at one offer, ready to be sent.</summary>
public sealed class UpstreamCall
{
    public required Route Route { get; init; }

    /// <summary>The provider's id of the model, for those whose path names it; the catalogue's word, never the caller's.</summary>
    public string Model { get; init; } = "";

    /// <summary>The body in the upstream's dialect; valid until the call has returned. Not copied.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>The caller asked for a stream; decides the <c>Accept</c> header.</summary>
    public required bool Stream { get; init; }

    /// <summary>The clocks of this attempt.</summary>
    public required UpstreamClocks Clocks { get; init; }

    /// <summary>Headers of the caller's dialect that go along because they change what the body means (<c>anthropic-version</c>, <c>anthropic-beta</c>);
    /// sent to upstreams of that dialect only.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>Our request id, sent as <c>x-request-id</c> where the provider takes one.</summary>
    public required string RequestId { get; init; }

    /// <summary>Whose call it is; told only to upstreams of our own, which keep callers' prompts apart by it.</summary>
    public KeyId Caller { get; init; }

    /// <summary>How it waits where the upstream is a model of our own; null for providers.</summary>
    public PlaceWait? Place { get; init; }

    /// <summary><see cref="TimeProvider.GetTimestamp"/> when a connection was there to be used; 0 before. Written by the upstream.</summary>
    public long ConnectedAt { get; set; }

    /// <summary><see cref="TimeProvider.GetTimestamp"/> when the status line and headers had been read; 0 before. Written by the upstream.</summary>
    public long HeadersAt { get; set; }

    /// <summary>The provider's own request id (<c>x-request-id</c>, <c>request-id</c>, …), printable ASCII, at most 128; null when none came.</summary>
    public string? UpstreamRequestId { get; set; }
}

/// <summary>How long an upstream may take. The first-token and idle clocks run on the body and are kept by who reads it.</summary>
/// <param name="Connect">To have a connection, TLS included. Default 5 s.</param>
/// <param name="Headers">Last request byte sent to last header byte read. Default 60 s.</param>
/// <param name="FirstEvent">Headers read to first event (stream) or whole body (otherwise). Default 120 s.</param>
/// <param name="Idle">Between two reads of the body that bring bytes. Default 60 s.</param>
public sealed record UpstreamClocks(TimeSpan Connect, TimeSpan Headers, TimeSpan FirstEvent, TimeSpan Idle);
