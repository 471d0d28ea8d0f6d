using Fairlead.Domain.Fleet;
using Fairlead.Shared;

namespace Fairlead.Fleet.Tests;

/// <summary>Whoever mends the files of a model that failed need not tell anybody.</summary>
public sealed class MendedSourceTests
{
    [Fact]
    public async Task Files_that_change_end_the_rest_of_a_model_that_failed()
    {
        await using var yard = new FleetYard { Limits = new FleetLimits { Memory = FleetYard.GiB, FirstRest = TimeSpan.FromHours(1), LongestRest = TimeSpan.FromHours(1) } };
        ServedSpec model = await MakeAsync(yard, "fails");
        yard.Serve(model);
        Assert.Equal(FleetRefusalKind.LoadFailed, (await yard.RefusedAsync("a")).Kind);
        Assert.Equal(FleetRefusalKind.Resting, (await yard.RefusedAsync("a")).Kind);

        await File.WriteAllTextAsync(model.Spec.Source, "mended", FleetYard.Never);

        await yard.UntilAsync("a", static status => status.State == ModelState.Cold);
        Assert.Equal(FleetRefusalKind.LoadFailed, (await yard.RefusedAsync("a")).Kind); // tried again, at once
    }

    [Fact]
    public async Task Files_that_change_bring_a_parked_model_back()
    {
        await using var yard = new FleetYard { Limits = new FleetLimits { Memory = FleetYard.GiB, CrashesToPark = 1 } };
        ServedSpec model = await MakeAsync(yard, "good");
        yard.Serve(model);
        using (WorkerLease lease = await yard.EnterAsync("a"))
            lease.Worker.Kill();
        await yard.UntilAsync("a", static status => status.State == ModelState.Parked);

        await File.WriteAllTextAsync(model.Spec.Source, "mended", FleetYard.Never);

        await yard.UntilAsync("a", static status => status.State == ModelState.Cold);
        (await yard.EnterAsync("a")).Dispose();
    }

    /// <summary>A worker behaves by the last part of its source.</summary>
    private static async Task<ServedSpec> MakeAsync(FleetYard yard, string behaviour)
    {
        string file = yard[behaviour];
        await File.WriteAllTextAsync(file, "broken", FleetYard.Never);
        ServedSpec model = yard.Model("a", behaviour);
        return model with { Spec = model.Spec with { Source = file } };
    }
}
