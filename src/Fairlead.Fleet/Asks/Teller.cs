using System.Threading.Channels;
using Fairlead.Domain.Fleet;
using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet.Asks;

/// <summary>Tells those who wait where their model stands: what they do with it is their own code, and must not hold up the loop.</summary>
internal sealed partial class Teller : IAsyncDisposable
{
    // Holds at most a first word for each request that waits, and one round: the next is only begun when this has been told.
    private readonly Channel<Told> _words = Channel.CreateUnbounded<Told>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ILogger _log;
    private readonly Task _telling;
    private int _untold;

    public Teller(ILogger log)
    {
        _log = log;
        _telling = Task.Run(TellAsync);
    }

    /// <summary>Whether all has been told.</summary>
    public bool IsQuiet => Volatile.Read(ref _untold) == 0;

    public void Tell(Action<ModelStatus, int> waiting, ModelStatus status, int ahead)
    {
        Interlocked.Increment(ref _untold);
        if (!_words.Writer.TryWrite(new Told(waiting, status, ahead)))
            Interlocked.Decrement(ref _untold); // it is closed: nobody waits any more
    }

    public async ValueTask DisposeAsync()
    {
        _words.Writer.TryComplete();
        await _telling;
    }

    private async Task TellAsync()
    {
        await foreach (Told told in _words.Reader.ReadAllAsync())
        {
            try
            {
                told.Waiting(told.Status, told.Ahead);
            }
            catch (Exception e)
            {
                LogNotHeard(e, told.Status.Model); // a fault of whoever waits; the others still want to know
            }
            Interlocked.Decrement(ref _untold);
        }
    }

    private readonly record struct Told(Action<ModelStatus, int> Waiting, ModelStatus Status, int Ahead);

    [LoggerMessage(EventId = 4221, Level = LogLevel.Error, Message = "{Model}: a request that waits could not be told how far it is")]
    private partial void LogNotHeard(Exception e, string model);
}
