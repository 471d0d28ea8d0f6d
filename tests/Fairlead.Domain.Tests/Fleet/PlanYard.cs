using System.Collections.Immutable;
using Fairlead.Domain.Fleet;

namespace Fairlead.Domain.Tests.Fleet;

/// <summary>A plan with a clock that the test moves, and a record of what it wanted done. Sizes are in gibibytes, times in seconds.</summary>
internal sealed class PlanYard
{
    public const long GiB = 1L << 30;

    private readonly List<FleetEffect> _effects = [];
    private long _asks;

    public PlanYard(FleetLimits? limits = null, params ModelTerms[] models)
    {
        Plan = new FleetPlan(Forecast);
        Limits = limits ?? new FleetLimits { Memory = 12 * GiB };
        Configure([.. models]);
    }

    public LoadForecast Forecast { get; } = new();

    public FleetPlan Plan { get; }

    public FleetLimits Limits { get; set; }

    public TimeSpan Now { get; private set; }

    public long Available { get; set; } = 1000 * GiB;

    public FleetMoment Moment => new(Now, Available);

    /// <summary>A model whose need is known beforehand.</summary>
    public static ModelTerms Model(string name, double gigabytes, int slots = 2) => new(name) { Memory = (long)(gigabytes * GiB), FileBytes = (long)(gigabytes * GiB), Slots = slots };

    public static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    public static MemoryNeed Need(double gigabytes) => new((long)(gigabytes * GiB), 0, 0);

    public void Configure(ImmutableArray<ModelTerms> models) => Tell(new FleetEvent.Configured(models, Limits));

    /// <summary>Tells the plan, and returns what it wants done about it.</summary>
    public List<FleetEffect> Tell(FleetEvent what)
    {
        _effects.Clear();
        Plan.Decide(what, Moment, _effects);
        return [.. _effects];
    }

    /// <summary>Moves the clock to when the plan wants to be woken, again and again, until so much time has passed.</summary>
    public List<FleetEffect> Pass(double seconds)
    {
        List<FleetEffect> all = [];
        TimeSpan end = Now + Seconds(seconds);
        for (int wakes = 0; Plan.WakeAt is { } at && at <= end; wakes++)
        {
            Assert.True(wakes < 100_000, "It wants to be woken without end.");
            Now = at > Now ? at : Now;
            all.AddRange(Tell(FleetEvent.Ticked.Instance));
        }
        Now = end;
        all.AddRange(Tell(FleetEvent.Ticked.Instance));
        return all;
    }

    /// <summary>One asks; the number of the ask, and what came of it.</summary>
    public (long Ask, List<FleetEffect> Effects) Ask(string model, string tenant = "t", double patience = 300, bool mayLoad = true)
    {
        long ask = ++_asks;
        return (ask, Tell(new FleetEvent.Asked(ask, model, tenant, Seconds(patience), mayLoad)));
    }

    public List<FleetEffect> End(long ask) => Tell(new FleetEvent.Ended(ask));

    public List<FleetEffect> Die(int start, string why = "It died.") => Tell(new FleetEvent.Died(start, why));

    public ModelStatus Status(string model) => Plan.Status(model, Moment) ?? throw new InvalidOperationException($"There is no {model}.");

    /// <summary>From the start of its worker until it is ready: what came of each step.</summary>
    public List<FleetEffect> Load(int start, double gigabytes, double seconds = 2)
    {
        List<FleetEffect> effects = Tell(new FleetEvent.Measured(start, Need(gigabytes)));
        Assert.Contains(effects, e => e is FleetEffect.LetLoad let && let.Start == start);
        effects.AddRange(Pass(seconds));
        effects.AddRange(Tell(new FleetEvent.Loaded(start)));
        return effects;
    }

    /// <summary>Loads a model for a request that ends at once; its start.</summary>
    public int Warm(string model, double gigabytes, double seconds = 2)
    {
        (long ask, List<FleetEffect> effects) = Ask(model);
        int start = effects.OfType<FleetEffect.StartWorker>().Single().Start;
        Load(start, gigabytes, seconds);
        End(ask);
        return start;
    }
}
