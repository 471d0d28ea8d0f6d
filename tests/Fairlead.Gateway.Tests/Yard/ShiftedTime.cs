namespace Fairlead.Gateway.Tests.Yard;

/// <summary>The system's clock with a calendar that the test moves; timers and time stamps are untouched.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    private long _ticks;

    public ShiftedTime(DateTimeOffset? start = null) => _ticks = start is { } at ? (at - DateTimeOffset.UtcNow).Ticks : 0;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Interlocked.Read(ref _ticks));

    public void Advance(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);
}
