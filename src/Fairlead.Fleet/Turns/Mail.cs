using System.Threading.Channels;
using Fairlead.Domain.Fleet;

namespace Fairlead.Fleet.Turns;

/// <summary>Whatever happens to a fleet, as messages: from any thread, to the one reader that is the loop.</summary>
/// <remarks>A thread that posts into an idle loop runs the loop's turn itself, so a request crosses no thread. The length needs no bound of its own: each request, each worker and each clock
/// has at most a few messages in it.</remarks>
internal sealed class Mail
{
    private readonly Channel<Message> _messages = Channel.CreateUnbounded<Message>(new UnboundedChannelOptions { SingleReader = true, AllowSynchronousContinuations = true });

    /// <summary>False when the loop has ended.</summary>
    public bool Post(FleetEvent? what, object? with = null) => _messages.Writer.TryWrite(new Message(what, with));

    /// <summary>A clock that posts this each time it rings, and is not set yet.</summary>
    public ITimer Clock(TimeProvider time, FleetEvent? what, object? with = null) =>
        time.CreateTimer(_ => Post(what, with), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    /// <summary>The reader's: false when it is closed, and all is taken.</summary>
    public ValueTask<bool> WaitAsync() => _messages.Reader.WaitToReadAsync();

    /// <summary>The reader's.</summary>
    public bool TryTake(out Message message) => _messages.Reader.TryRead(out message);

    /// <summary>Takes nothing more.</summary>
    public void Close() => _messages.Writer.TryComplete();
}
