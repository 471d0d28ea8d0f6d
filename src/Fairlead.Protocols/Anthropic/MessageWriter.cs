using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Buffers;

namespace Fairlead.Protocols.Anthropic;

/// <summary>The way out of a streamed message, in the dialect of a door. It gets events in the order that <see cref="MessagesStream"/> has checked.</summary>
internal abstract class MessageWriter : IDisposable
{
    /// <summary>Why the caller's dialect cannot take an event; null when it can.</summary>
    public virtual UpstreamFault? Refuse(scoped ref readonly MessageEvent item) => null;

    /// <summary>Appends what the caller gets of an event.</summary>
    /// <returns>False when that is nothing.</returns>
    public abstract bool Write(scoped ref readonly MessageEvent item, PooledBuffer output);

    /// <summary>The answer is over; its end waits for <see cref="WriteClosing"/>.</summary>
    /// <param name="missingReason">Why it ended, where the upstream has not said so; empty where it has.</param>
    /// <param name="openBlock">Number of the block that nobody closed; -1 when there is none.</param>
    /// <param name="output">The caller's bytes.</param>
    public abstract void Finish(ReadOnlySpan<byte> missingReason, long openBlock, PooledBuffer output);

    /// <summary>Appends what is terminal.</summary>
    /// <param name="reported">What the upstream counted; null when it did not, or not all of it.</param>
    /// <param name="usage">What is charged.</param>
    /// <param name="cost">The charge.</param>
    /// <param name="output">The caller's bytes.</param>
    public abstract void WriteClosing(Usage? reported, in Usage usage, NanoDollars cost, PooledBuffer output);

    /// <inheritdoc/>
    public abstract void Dispose();
}
