using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Routing;
using Fairlead.Gateway.Dispatch;
using Fairlead.Yard;

namespace Fairlead.Gateway.Tests.Routing;

/// <summary>Whom a fault keeps away: a model at a provider, everything with one credential, or the provider.</summary>
public sealed class OfferBreakerTests
{
    private readonly ManualClock _clock = new();
    private readonly CircuitTable _table;
    private readonly OfferBreaker _failing;
    private readonly OfferBreaker _sibling;
    private readonly OfferBreaker _stranger;

    public OfferBreakerTests()
    {
        _table = new CircuitTable(_clock);
        _failing = _table.For(OfferOf("alpha", "one"));
        _sibling = _table.For(OfferOf("alpha", "two"));
        _stranger = _table.For(OfferOf("beta", "one"));
    }

    public static TheoryData<FaultKind> Kinds() => [.. Enum.GetValues<FaultKind>()];

    [Theory, MemberData(nameof(Kinds))]
    public void A_fault_keeps_away_whom_its_row_names_and_nobody_else(FaultKind kind)
    {
        for (int i = 0; i < 5; i++)
            _failing.Failed(new UpstreamFault(kind, "x", 500), 0);
        BreakerScope scope = FaultTable.For(kind).Breaker;
        Assert.Equal(scope != BreakerScope.None, _failing.Condition().AskableIn > TimeSpan.Zero);
        Assert.Equal(scope is BreakerScope.Credential or BreakerScope.Provider, _sibling.Condition().AskableIn > TimeSpan.Zero);
        Assert.Equal(TimeSpan.Zero, _stranger.Condition().AskableIn);
        Assert.Equal(scope is BreakerScope.Credential or BreakerScope.Provider ? 1 : 0, _table.Open().Count);
    }

    /// <summary>R-06.</summary>
    [Fact]
    public void Ten_thousand_hang_ups_and_bad_requests_change_nothing()
    {
        for (int i = 0; i < 10_000; i++)
        {
            OfferBreaker.Leave(_failing.TryEnter()!.Value);
            _failing.Failed(new UpstreamFault(FaultKind.InvalidRequest, "bad", 400), 0.5);
            _failing.Failed(new UpstreamFault(FaultKind.ContextTooLong, "long", 400), 0.5);
        }
        Assert.Equal(OfferCondition.Unknown with { IsStale = true }, _failing.Condition());
        Assert.Equal(default(BreakerPass), _failing.TryEnter());
    }

    [Fact]
    public void The_probe_of_a_provider_is_one_for_all_its_models()
    {
        Break(_failing);
        _clock.Advance(TimeSpan.FromSeconds(10));
        BreakerPass? probe = _sibling.TryEnter();
        Assert.NotNull(probe);
        Assert.Null(_failing.TryEnter());
        OfferBreaker.Leave(probe.Value);
        Assert.NotNull(_failing.TryEnter());
    }

    [Fact]
    public void The_beginning_of_one_answer_lets_everybody_in_again()
    {
        Break(_failing);
        _clock.Advance(TimeSpan.FromSeconds(10));
        _sibling.TryEnter();
        _sibling.Answering(300);
        Assert.Equal(default(BreakerPass), _failing.TryEnter());
        Assert.Equal(1, _failing.Condition().HeldBack);
    }

    [Fact]
    public void A_key_that_was_replaced_is_tried_at_once()
    {
        _failing.Failed(new UpstreamFault(FaultKind.CredentialRefused, "no", 401), 0);
        Assert.Null(_sibling.TryEnter());
        _table.CredentialReplaced("ALPHA");
        Assert.NotNull(_sibling.TryEnter());
    }

    [Fact]
    public void Where_everybody_rests_one_request_a_second_is_let_through()
    {
        Break(_failing);
        Assert.True(_failing.TryLastResort());
        Assert.False(_failing.TryLastResort());
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(_failing.TryLastResort());
    }

    [Fact]
    public void That_a_model_has_no_tools_there_is_remembered_for_an_hour()
    {
        _failing.Learn(QuirkHint.NoTools);
        Assert.Equal(Domain.Inference.Abilities.Tools, _failing.Condition().Cannot);
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(Domain.Inference.Abilities.None, _failing.Condition().Cannot);
    }

    private static void Break(OfferBreaker breaker)
    {
        for (int i = 0; i < 5; i++)
            breaker.Failed(new UpstreamFault(FaultKind.ServerError, "boom", 500), 0);
    }

    private static Offer OfferOf(string provider, string model) => new() { Index = 0, ModelId = model, Provider = provider, ProviderModelId = model, Routes = RouteSet.Chat };
}
