using System.Net;
using Fairlead.Shared;

namespace Fairlead.Conformance.Local;

/// <summary>Models with a draft that guesses for them: the same words to callers, figures to the operator, and a reason where it cannot be.</summary>
public sealed class DraftTests(LocalCheckpoints checkpoints)
{
    private const string Greedy = ",\"temperature\":0,\"max_tokens\":40";

    private static readonly string Guide = Path.Combine(Checkout.Root, "models", "guide");

    [Fact]
    public async Task With_a_draft_that_knows_nothing_the_answer_is_the_same_and_the_figures_tell_that_it_does_not_pay()
    {
        await using LocalYard yard = await LocalYard.StartAsync($$"""
            local:
              with: { source: {{Guide}}, draft: {{checkpoints.Small}}, guesses: 4, slots: 2 }
              without: { source: {{Guide}}, guesses: 0, slots: 2 }
            """);
        foreach (string more in (string[])[Greedy, ",\"seed\":5,\"temperature\":1.2,\"max_tokens\":40"])
        {
            LocalAnswer with = await yard.AskAsync("local/with", more), without = await yard.AskAsync("local/without", more);
            Assert.True(with.Status == HttpStatusCode.OK && without.Status == HttpStatusCode.OK, with.Text + without.Text);
            Assert.Equal(without.Content, with.Content);
        }

        // A draft that seems dear at first, on a machine that is busy with something else, is tried again later.
        int seed = 6;
        await yard.UntilAsync(
            async () =>
            {
                await yard.AskAsync("local/with", $",\"seed\":{seed++},\"temperature\":1.2,\"max_tokens\":40");
                return await yard.MetricAsync("fairlead_local_tokens_drafted_total", "local/with") > 0;
            },
            "the guesses are counted");
        double drafted = await yard.MetricAsync("fairlead_local_tokens_drafted_total", "local/with");
        Assert.InRange(await yard.MetricAsync("fairlead_local_tokens_drafted_right_total", "local/with"), 0, drafted / 2);
        Assert.InRange(await yard.MetricAsync("fairlead_local_draft_seconds_total", "local/with"), 1e-6, await yard.MetricAsync("fairlead_local_busy_seconds_total", "local/with"));
        Assert.Equal(0, await yard.MetricAsync("fairlead_local_tokens_guessed_total", "local/without"));
    }

    [Fact]
    public async Task A_draft_with_another_vocabulary_fails_the_load_and_says_what_differs()
    {
        await using LocalYard yard = await LocalYard.StartAsync($$"""
            local:
              bad: { source: {{Guide}}, draft: {{Path.Combine(Checkout.Root, "tests", "data", "goldens", "qwen3")}} }
            """);
        LocalAnswer refused = await yard.AskAsync("local/bad", Greedy);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "worker_load_failed"), (refused.Status, refused.Code));
        Assert.Contains("qwen3", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Checkout.Root, refused.Message, StringComparison.Ordinal);
    }
}
