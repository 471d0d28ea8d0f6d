namespace Fairlead.Engine.Tests.Generation;

/// <summary>A clock that stands still until a test moves it.</summary>
internal sealed class HandClock : TimeProvider
{
    private TimeSpan _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _now.Ticks;

    public void Advance(TimeSpan time) => _now += time;
}

/// <summary>A clock on which everything takes a second at least: whoever has a tenth of one does one thing at a time.</summary>
internal sealed class HastyClock : TimeProvider
{
    private long _now;

    public override long TimestampFrequency => 1;

    public override long GetTimestamp() => ++_now;
}
