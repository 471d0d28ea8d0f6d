using System.Text.Json;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Templates;

namespace Fairlead.Engine.Tests.Templates;

/// <summary>The language piece by piece, against Jinja2 itself (<c>tests/data/templates/make_language.py</c>).</summary>
public class LanguageTests
{
    [Fact]
    public void Every_construct_answers_as_Jinja2_answers()
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Goldens.Data, "templates", "language.json")));
        ChatTemplateInput input = new() { Messages = JsonSerializer.SerializeToElement(Array.Empty<int>()), Variables = golden.RootElement.GetProperty("context") };
        List<string> wrong = [];
        int cases = 0;
        foreach (JsonElement one in golden.RootElement.GetProperty("cases").EnumerateArray())
        {
            cases++;
            string source = one.GetProperty("template").GetString()!;
            string? error = one.TryGetProperty("error", out JsonElement named) ? named.GetString() : null;
            string? wanted = error is null ? one.GetProperty("text").GetString() : null;
            bool raised = error is not null && one.GetProperty("raised").GetBoolean();
            string? answer;
            try
            {
                answer = ChatTemplate.Parse("golden", source).Render(input, TimeProvider.System);
                if (answer != wanted)
                    wrong.Add($"{source} → {answer} instead of {wanted ?? error}");
            }
            catch (ChatTemplateException refused)
            {
                if (error is null || (raised && refused.Reason != error) || raised != refused.ByTemplate)
                    wrong.Add($"{source} → refused ({refused.Reason}) instead of {wanted ?? error}");
            }
            catch (ModelFileException refused)
            {
                if (error is null)
                    wrong.Add($"{source} → not read ({refused.Reason}) instead of {wanted}");
            }
        }

        Assert.True(cases > 500, $"{cases} cases");
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {cases} differ:\n{string.Join('\n', wrong)}");
    }

    [Theory]
    [InlineData("abs")]
    [InlineData("round")]
    public void A_filter_that_needs_a_number_refuses_in_its_own_name(string filter)
    {
        var template = ChatTemplate.Parse("numbers", $"{{{{ 'x'|{filter} }}}}");
        ChatTemplateInput input = new() { Messages = JsonSerializer.SerializeToElement(Array.Empty<int>()) };
        ChatTemplateException refused = Assert.Throws<ChatTemplateException>(() => template.Render(input, TimeProvider.System));
        Assert.Contains($"bad operand type for {filter}(): 'str'", refused.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(16)]
    public void A_precision_that_cannot_be_kept_is_refused(int precision)
    {
        var template = ChatTemplate.Parse("numbers", $"{{{{ 1234.5|round({precision}) }}}}");
        ChatTemplateInput input = new() { Messages = JsonSerializer.SerializeToElement(Array.Empty<int>()) };
        ChatTemplateException refused = Assert.Throws<ChatTemplateException>(() => template.Render(input, TimeProvider.System));
        Assert.Contains($"round: precision must be from 0 to 15, not {precision}", refused.Reason, StringComparison.Ordinal);
    }
}
