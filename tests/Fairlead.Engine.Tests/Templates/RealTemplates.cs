using System.Text.Json;
using Fairlead.Engine.Templates;

namespace Fairlead.Engine.Tests.Templates;

/// <summary>The 57 real chat templates of the shared fixtures, the conversations, and what the reference made of them.</summary>
internal sealed class RealTemplates
{
    private static readonly Lazy<RealTemplates> All = new(static () => new RealTemplates(Goldens.Shared("chat-templates/rendered.json")));
    private readonly JsonElement _root;

    private RealTemplates(string path)
    {
        _root = JsonDocument.Parse(File.ReadAllBytes(path)).RootElement;
        Clock = new StandingClock(DateTimeOffset.Parse(_root.GetProperty("now").GetString()! + "Z"));
    }

    /// <summary>Skips the test where the shared fixtures are not on this machine.</summary>
    public static RealTemplates Load()
    {
        Goldens.Shared("chat-templates/rendered.json");
        return All.Value;
    }

    /// <summary>Stands at the time of the fixtures.</summary>
    public TimeProvider Clock { get; }

    public IEnumerable<string> Names => _root.GetProperty("templates").EnumerateObject().Select(static template => template.Name);

    public IEnumerable<string> Conversations => _root.GetProperty("conversations").EnumerateObject().Select(static conversation => conversation.Name);

    public string Source(string template) => _root.GetProperty("templates").GetProperty(template).GetProperty("template").GetString()!;

    public ChatTemplate Template(string name) => ChatTemplate.Parse(name + ".jinja", Source(name));

    /// <summary>The object with <c>text</c> or <c>error</c>.</summary>
    public JsonElement Expected(string template, string conversation) =>
        _root.GetProperty("templates").GetProperty(template).GetProperty("rendered").GetProperty(conversation);

    public ChatTemplateInput Input(string conversation)
    {
        JsonElement found = _root.GetProperty("conversations").GetProperty(conversation);
        JsonElement options = found.GetProperty("options");
        ChatTemplateInput input = new()
        {
            Messages = found.GetProperty("messages"),
            Tools = found.GetProperty("tools") is { ValueKind: JsonValueKind.Array } tools ? tools : null,
            SpecialTokens = Tokens("<s>", "</s>"),
        };
        Dictionary<string, JsonElement> variables = [];
        foreach (JsonProperty option in options.EnumerateObject())
        {
            switch (option.Name)
            {
                case "add_generation_prompt":
                    input = input with { AddGenerationPrompt = option.Value.GetBoolean() };
                    break;
                case "continue_final_message":
                    input = input with { ContinueFinalMessage = option.Value.GetBoolean() };
                    break;
                default:
                    variables.Add(option.Name, option.Value);
                    break;
            }
        }

        return input with { Variables = JsonSerializer.SerializeToElement(variables) };
    }

    public static Dictionary<string, string> Tokens(string bos, string eos) => new() { ["bos_token"] = bos, ["eos_token"] = eos };
}

/// <summary>A clock that stands still, in UTC.</summary>
internal sealed class StandingClock(DateTimeOffset now) : TimeProvider
{
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => now;
}
