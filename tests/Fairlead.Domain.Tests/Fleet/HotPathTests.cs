using Fairlead.Domain.Fleet;
using Fairlead.Shared;
using static Fairlead.Domain.Tests.Fleet.PlanYard;

namespace Fairlead.Domain.Tests.Fleet;

/// <summary>What a request for a loaded model costs the one who decides for all.</summary>
public sealed class HotPathTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(200, 500)]
    public void A_request_for_a_loaded_model_allocates_its_two_events_and_one_effect_however_many_models_and_waiters_there_are(int models, int waiters)
    {
        var yard = new PlanYard(new FleetLimits { Memory = 1000 * GiB }, [.. Enumerable.Range(0, models).Select(static i => Model($"m{i}", 1, slots: 1) with { Keep = null })]);
        for (int i = 0; i < models; i++)
            yard.Warm($"m{i}", 1);
        for (int i = 0; i <= waiters && models > 1; i++)
            yard.Ask("m1", $"tenant {i % 50}");
        List<FleetEffect> effects = [];
        FleetMoment moment = yard.Moment;
        long ask = 1_000_000;
        for (int i = 0; i < 1000; i++)
            Cycle();
        long each = Allocation.Of(() =>
        {
            for (int i = 0; i < 1000; i++)
                Cycle();
        }) / 1000;
        Assert.True(each <= 56 + 24 + 32, $"{each} bytes a request.");

        void Cycle()
        {
            effects.Clear();
            yard.Plan.Decide(new FleetEvent.Asked(++ask, "m0", "t", TimeSpan.Zero), moment, effects);
            yard.Plan.Decide(new FleetEvent.Ended(ask), moment, effects);
            Assert.True(effects.Count == 1 && effects[0] is FleetEffect.Grant);
        }
    }
}
