using System.Diagnostics;

namespace Fairlead.Gateway.Tests.Yard;

/// <summary>The system's calendar and timers with time stamps that stand still but for what the test adds: what is measured between two of them is exact.</summary>
internal sealed class StandingTime : TimeProvider
{
    private long _stamp = Stopwatch.GetTimestamp();

    public override long GetTimestamp() => Interlocked.Read(ref _stamp);

    public override long TimestampFrequency => Stopwatch.Frequency;

    public void Advance(TimeSpan by) => Interlocked.Add(ref _stamp, by.Ticks * (Stopwatch.Frequency / TimeSpan.TicksPerSecond));
}
