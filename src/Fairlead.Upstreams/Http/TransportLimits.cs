namespace Fairlead.Upstreams.Http;

/// <summary>What one origin may cost us: connections, waiting callers, bytes. The defaults are those of docs/faults.md.</summary>
public sealed record TransportLimits
{
    /// <summary>Connections to one origin at a time. Default 1,024.</summary>
    public int MaxConnectionsPerOrigin { get; init; } = 1024;

    /// <summary>Calls that may wait for one of them; the next is refused at once. Default 1,024.</summary>
    public int MaxWaitersPerOrigin { get; init; } = 1024;

    /// <summary>An unused connection is closed after this. Default 60 s.</summary>
    public TimeSpan Idle { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>A connection is not used again after this, so that no answer of the name service is believed for good. Default 5 min.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Status line and headers together (U-29). Default 64 KiB.</summary>
    public int MaxHeadBytes { get; init; } = 64 * 1024;

    /// <summary>Header fields (U-29). Default 200.</summary>
    public int MaxHeadFields { get; init; } = 200;

    /// <summary>Interim answers (1xx) before the real one (U-28). Default 10.</summary>
    public int MaxInterimAnswers { get; init; } = 10;

    /// <summary>Decoded bytes of one answer (U-30). Default 64 MiB.</summary>
    public long MaxBodyBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>Bytes of an error answer that are read for its classification. Default 64 KiB.</summary>
    public int MaxErrorBytes { get; init; } = 64 * 1024;

    /// <summary>Decoded bytes per compressed byte beyond the first MiB (U-30). Default 100.</summary>
    public int MaxExpansion { get; init; } = 100;
}
