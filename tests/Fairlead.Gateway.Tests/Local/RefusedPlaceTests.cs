using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Fleet;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Domain.Routing;
using Fairlead.Upstreams.LocalWorker;

namespace Fairlead.Gateway.Tests.Local;

/// <summary>What a caller hears for each reason why the fleet has no place.</summary>
public sealed class RefusedPlaceTests
{
    private static readonly Offer Local = new() { Index = 0, ModelId = "local/qwen", Provider = "local", ProviderModelId = "qwen", Routes = RouteSet.Chat };

    [Theory]
    [InlineData(FleetRefusalKind.Cold, ModelState.Loading, "cold_starting", 503)]
    [InlineData(FleetRefusalKind.WaitedTooLong, ModelState.Loading, "cold_starting", 503)]
    [InlineData(FleetRefusalKind.WaitedTooLong, ModelState.Ready, "overloaded", 503)]
    [InlineData(FleetRefusalKind.QueueFull, ModelState.Loading, "overloaded", 503)]
    [InlineData(FleetRefusalKind.TooLarge, ModelState.Cold, "worker_load_failed", 503)]
    [InlineData(FleetRefusalKind.LoadFailed, ModelState.Resting, "worker_load_failed", 503)]
    [InlineData(FleetRefusalKind.Resting, ModelState.Resting, "worker_load_failed", 503)]
    [InlineData(FleetRefusalKind.Parked, ModelState.Parked, "worker_parked", 503)]
    [InlineData(FleetRefusalKind.Unknown, ModelState.Cold, "worker_load_failed", 503)]
    public void Every_refusal_has_its_problem_and_its_reason_in_it(FleetRefusalKind kind, ModelState state, string code, int status)
    {
        var refusal = new FleetRefusal(kind, "the reason stands here", TimeSpan.FromSeconds(8.4));
        UpstreamFault fault = RefusedPlace.Fault(refusal, new ModelStatus("local/qwen", state) { Share = 0.62 });
        Assert.True(fault.NothingSent);
        Assert.True(FaultTable.For(fault.Kind).TryNext); // whoever else offers the model is asked first
        Problem told = AttemptPlan.Answer([new FailedAttempt(Local, fault)], "local/qwen");
        Assert.Equal((code, status), (told.Kind.Code, told.Status));
        Assert.Contains("the reason stands here", told.Message, StringComparison.Ordinal);
        Assert.Equal(code == "cold_starting", told.Cold is not null);
        Assert.Equal(code == "worker_parked" ? null : TimeSpan.FromSeconds(8.4), told.RetryAfter);
    }

    [Fact]
    public void Every_kind_of_refusal_is_known() => // a new one is a row of the table above
        Assert.All(Enum.GetValues<FleetRefusalKind>(), static kind => Assert.NotNull(RefusedPlace.Fault(new FleetRefusal(kind, "x"), null)));
}
