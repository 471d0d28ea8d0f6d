using System.Text.Json;
using Fairlead.Engine.Templates;

namespace Fairlead.Engine.Tests.Templates;

/// <summary>The limits leave room for what real templates do: the figures that <see cref="TemplateLimits"/> names are measured here.</summary>
public class LimitsTests
{
    [Fact]
    public void A_conversation_of_a_thousand_messages_fits_the_limits_in_every_real_template()
    {
        RealTemplates real = RealTemplates.Load();
        List<object> messages = [];
        for (int i = 0; i < 1_000; i++)
            messages.Add(new { role = i % 2 == 0 ? "user" : "assistant", content = $"Message {i} says what two hundred others have said before it, only later: {i}." });
        messages.Add(new { role = "user", content = "And now?" });
        ChatTemplateInput input = new()
        {
            Messages = JsonSerializer.SerializeToElement(messages),
            Tools = real.Input("tools-offered").Tools,
            SpecialTokens = RealTemplates.Tokens("<s>", "</s>"),
        };

        int rendered = 0;
        List<(long Steps, string Name)> steps = [];
        (long built, int depth) = (0, 0);
        foreach (string name in real.Names)
        {
            try
            {
                real.Template(name).Render(input, real.Clock, null, out Budget used);
                rendered++;
                steps.Add((used.Steps, name));
                built = Math.Max(built, used.Built);
                depth = Math.Max(depth, used.Deepest);
            }
            catch (ChatTemplateException refused)
            {
                // Some templates refuse these tools or these roles; none may refuse the length.
                Assert.DoesNotContain("more than", refused.Reason, StringComparison.Ordinal);
                Assert.DoesNotContain("deeper", refused.Reason, StringComparison.Ordinal);
            }
        }

        steps.Sort();
        steps.Reverse();
        TestContext.Current.TestOutputHelper?.WriteLine($"{rendered} templates; most steps {steps[0]}, then {steps[1]}; most text {built}, deepest {depth}");
        Assert.True(rendered >= 50, $"{rendered} templates rendered");
        // One of them looks back over all messages at every message, which is quadratic; the second is forty times cheaper.
        Assert.True(steps[0].Steps < TemplateLimits.Default.Steps, $"{steps[0]}");
        Assert.True(steps[1].Steps < TemplateLimits.Default.Steps / 20, $"{steps[1]}");
        Assert.True(built < TemplateLimits.Default.Built / 4, $"{built} characters are built");
        Assert.True(depth < TemplateLimits.Default.Depth / 4, $"{depth} levels deep");
    }

    [Fact]
    public void A_rendering_ends_when_its_time_is_over_whatever_steps_are_left()
    {
        ChatTemplate template = ChatTemplate.Parse("slow", "{% for i in range(100000) %}{{ i }}{% endfor %}");
        ChatTemplateInput input = new() { Messages = JsonSerializer.SerializeToElement(Array.Empty<object>()), SpecialTokens = RealTemplates.Tokens("<s>", "</s>") };

        ChatTemplateException late = Assert.Throws<ChatTemplateException>(() => template.Render(input, new HurryingClock()));

        Assert.Contains("longer than 10 seconds", late.Reason, StringComparison.Ordinal);
        Assert.NotEmpty(template.Render(input, TimeProvider.System));
    }

    /// <summary>Each look at it is four seconds after the one before.</summary>
    private sealed class HurryingClock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => _now += 4;
    }
}
