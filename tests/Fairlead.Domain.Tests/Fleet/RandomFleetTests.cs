namespace Fairlead.Domain.Tests.Fleet;

/// <summary>Whatever happens to a fleet, in whatever order: what must never be is not.</summary>
public sealed class RandomFleetTests
{
    private const int Sequences = 10_000;

    [Fact]
    public void No_sequence_of_requests_loads_deaths_and_clock_steps_breaks_a_promise()
    {
        long grants = 0;
        Lock told = new();
        string? failure = null;
        Parallel.For(0, Sequences, (seed, loop) =>
        {
            List<Step> steps = RandomFleet.Sequence(seed);
            if (RandomFleet.Run(seed, steps, out int granted) is not null)
            {
                loop.Stop();
                lock (told)
                    failure ??= RandomFleet.Describe(seed, steps);
            }
            Interlocked.Add(ref grants, granted);
        });
        Assert.True(failure is null, failure);
        Assert.True(grants > 2 * Sequences, $"Only {grants} requests of {Sequences} sequences got a place: the sequences do too little.");
    }
}
