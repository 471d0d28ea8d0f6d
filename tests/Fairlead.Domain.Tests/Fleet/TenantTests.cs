using Fairlead.Domain.Fleet;
using static Fairlead.Domain.Tests.Fleet.PlanYard;

namespace Fairlead.Domain.Tests.Fleet;

/// <summary>Those who wait for one model, and whose they are.</summary>
public sealed class TenantTests
{
    [Fact]
    public void Tenants_are_served_in_turn_and_the_requests_of_each_in_order()
    {
        var yard = new PlanYard(models: Model("a", 1, slots: 1));
        List<long> asks = [.. "mmmmmsst".Select(tenant => yard.Ask("a", tenant.ToString()).Ask)];
        Assert.Equal([.. asks.Select(ask => (int?)yard.Plan.Ahead(ask))], [0, 3, 5, 6, 7, 1, 4, 2]);
        List<long> served = [.. yard.Load(1, 1).OfType<FleetEffect.Grant>().Select(static g => g.Ask)];
        while (served.Count < asks.Count)
            served.AddRange(yard.End(served[^1]).OfType<FleetEffect.Grant>().Select(static g => g.Ask));
        Assert.Equal(["m", "s", "t", "m", "s", "m", "m", "m"], served.Select(ask => "mmmmmsst"[asks.IndexOf(ask)].ToString()));
        Assert.Equal(served.Order().Where(ask => "mmmmmsst"[asks.IndexOf(ask)] == 'm'), served.Where(ask => "mmmmmsst"[asks.IndexOf(ask)] == 'm'));
    }

    [Fact]
    public void A_tenant_that_fills_the_queue_gives_way_to_one_that_has_less_of_it()
    {
        var yard = new PlanYard(models: Model("a", 1) with { Queue = 4 });
        List<long> crowd = [.. Enumerable.Range(0, 4).Select(_ => yard.Ask("a", "crowd").Ask)];
        FleetEffect.Refuse own = yard.Ask("a", "crowd").Effects.OfType<FleetEffect.Refuse>().Single();
        Assert.Equal((5, FleetRefusalKind.QueueFull), (own.Ask, own.Refusal.Kind));
        FleetEffect.Refuse last = yard.Ask("a", "other").Effects.OfType<FleetEffect.Refuse>().Single();
        Assert.Equal((crowd[^1], FleetRefusalKind.QueueFull), (last.Ask, last.Refusal.Kind));
        Assert.Equal(crowd[^2], yard.Ask("a", "other").Effects.OfType<FleetEffect.Refuse>().Single().Ask);
        FleetEffect.Refuse third = yard.Ask("a", "other").Effects.OfType<FleetEffect.Refuse>().Single(); // both have two now: he is as much in the way himself
        Assert.Equal(8, third.Ask);
    }

    [Fact]
    public void A_full_queue_says_when_to_come_back_and_not_before_the_model_can_be_there()
    {
        var yard = new PlanYard(models: Model("a", 4) with { Queue = 1 });
        yard.Ask("a");
        FleetRefusal refusal = yard.Ask("a").Effects.OfType<FleetEffect.Refuse>().Single().Refusal;
        Assert.True(refusal.RetryAfter >= yard.Status("a").ReadyIn);
        Assert.StartsWith("1 requests wait for 'a' already, and no more may. Try again in ", refusal.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Nobody_overtakes_those_who_wait()
    {
        var yard = new PlanYard(models: Model("a", 1, slots: 1));
        yard.Warm("a", 1);
        long inside = yard.Ask("a").Ask, first = yard.Ask("a").Ask;
        Assert.Empty(yard.Ask("a").Effects);
        Assert.Equal([new FleetEffect.Grant(first, 1)], yard.End(inside));
    }
}
