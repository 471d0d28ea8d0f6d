using Fairlead.Yard;

namespace Fairlead.Conformance.Harness;

public sealed class ManualClockTests
{
    [Fact]
    public void Timers_fire_at_their_own_instants_in_order()
    {
        var clock = new ManualClock();
        DateTimeOffset start = clock.GetUtcNow();
        var fired = new List<(string Name, TimeSpan At)>();
        using ITimer late = clock.CreateTimer(_ => fired.Add(("late", clock.GetUtcNow() - start)), null, TimeSpan.FromSeconds(3), Timeout.InfiniteTimeSpan);
        using ITimer early = clock.CreateTimer(_ => fired.Add(("early", clock.GetUtcNow() - start)), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1.5));

        clock.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal([("early", TimeSpan.FromSeconds(1)), ("early", TimeSpan.FromSeconds(2.5)), ("late", TimeSpan.FromSeconds(3))], fired);
    }
}
