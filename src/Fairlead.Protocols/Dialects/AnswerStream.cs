using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Buffers;

namespace Fairlead.Protocols.Dialects;

/// <summary>Brings one upstream's stream into the form the caller gets: bytes in, bytes out. No I/O, no clock. What comes out does not depend on how the
/// input was cut.</summary>
/// <remarks>What ends an answer is held back until <see cref="WriteClosing"/>: the ledger is written between.</remarks>
public abstract class AnswerStream : IDisposable
{
    /// <summary>An event that means something has been appended to the output: content, a tool call, a refusal, a reason to finish.</summary>
    public bool Committed { get; protected set; }

    /// <summary>Any event with data has come; comments do not count, nor do events that only say that the upstream is there.</summary>
    public bool SawRealEvent => RealEvents > 0;

    /// <summary>How many have.</summary>
    public long RealEvents { get; protected set; }

    /// <summary>How it broke, where the state is <see cref="StreamState.Faulted"/>.</summary>
    public UpstreamFault? Fault { get; protected set; }

    /// <summary>The last usage that the upstream reported, not yet bounded; null while it has reported none.</summary>
    public abstract Usage? Usage { get; }

    /// <summary><see cref="Usage"/> holds a count of ours, because the upstream has told only a part: of an answer that broke off, mostly the input.</summary>
    public virtual bool UsageIsPartial => false;

    /// <summary>Our own count of output tokens: events that brought content, or a quarter of its bytes where that is more.
    /// Exact for providers that send a token an event, close for others.</summary>
    public abstract long OutputTokensSeen { get; }

    /// <summary>Takes the next bytes of the body, cut anywhere, and appends whole events for the caller to <paramref name="output"/>.</summary>
    /// <param name="buffer">Holds the bytes from its start.</param>
    /// <param name="length">How many.</param>
    /// <param name="output">The caller's bytes.</param>
    public abstract StreamState Accept(byte[] buffer, int length, PooledBuffer output);

    /// <summary>The body came to an orderly end.</summary>
    /// <param name="output">The caller's bytes.</param>
    public abstract StreamState End(PooledBuffer output);

    /// <summary>Takes a whole answer, checked, as the stream it might have been (F057).</summary>
    /// <param name="whole">The body.</param>
    /// <param name="output">The caller's bytes.</param>
    public abstract StreamState Replay(ReadOnlySpan<byte> whole, PooledBuffer output);

    /// <summary>Appends what is terminal.</summary>
    /// <param name="usage">What is charged.</param>
    /// <param name="cost">The charge, told as <c>usage.cost</c>.</param>
    /// <param name="output">The caller's bytes.</param>
    public abstract void WriteClosing(in Usage usage, NanoDollars cost, PooledBuffer output);

    /// <summary>Gives its buffers back.</summary>
    public abstract void Dispose();
}
