using System.CommandLine;
using System.CommandLine.Parsing;
using Fairlead.Verbs;

namespace Fairlead.Tests.Verbs;

/// <summary>What the command line says when it is asked for help, and when it is misspelt.</summary>
public sealed class HelpTests
{
    public static TheoryData<string> Commands() => [.. All(CommandTree.Build()).Select(ExamplesFirstHelp.PathOf)];

    [Theory, MemberData(nameof(Commands))]
    public void Help_begins_with_at_least_two_examples_that_parse(string path)
    {
        RootCommand root = CommandTree.Build();
        Command command = All(root).Single(c => ExamplesFirstHelp.PathOf(c) == path);
        var help = new StringWriter();
        ExamplesFirstHelp.Write(command, help);
        string[] lines = help.ToString().Split('\n');
        Assert.Equal(("", "Examples:"), (lines[1], lines[2]));
        List<string> examples = [.. lines.Skip(3).TakeWhile(static l => l.Length > 0)];
        Assert.True(examples.Count >= 2, help.ToString());
        foreach (string example in examples)
        {
            string words = example.Split('|')[^1].Split('>')[0].Trim();
            Assert.StartsWith("fairlead ", words, StringComparison.Ordinal);
            string[] arguments = [.. CommandLineParser.SplitCommandLine(words["fairlead ".Length..])];
            if (arguments is ["help", .. var topic])
                Assert.Equal(ExamplesFirstHelp.PathOf(root.Parse([.. topic]).CommandResult.Command), "fairlead " + string.Join(' ', topic));
            else
                Assert.Empty(root.Parse(arguments).Errors);
        }
    }

    [Theory]
    [InlineData("serv", "serve")]
    [InlineData("sevre", "serve")]
    [InlineData("server", "serve")]
    [InlineData("key", "keys")]
    [InlineData("modles", "models")]
    [InlineData("model", "models")]
    [InlineData("request", "requests")]
    [InlineData("reqests", "requests")]
    [InlineData("usgae", "usage")]
    [InlineData("docter", "doctor")]
    [InlineData("confg", "config")]
    [InlineData("vesion", "version")]
    [InlineData("chatt", "chat")]
    [InlineData("aks", "ask")]
    [InlineData("leger verify", "ledger")]
    [InlineData("ledger verfy", "verify")]
    [InlineData("keys creat", "create")]
    [InlineData("keys lst", "list")]
    [InlineData("keys revok x", "revoke")]
    [InlineData("keys rotat x", "rotate")]
    [InlineData("keys create --nam x", "--name")]
    [InlineData("keys create --name x --budgt 5/day", "--budget")]
    [InlineData("keys create --name x --expire 5d", "--expires")]
    [InlineData("keys create --name x --paralel 5", "--parallel")]
    [InlineData("models --serach x", "--search")]
    [InlineData("models --jsn", "--json")]
    [InlineData("serve --lsiten 127.0.0.1:1", "--listen")]
    [InlineData("serve --no-discovery", "--no-discover")]
    [InlineData("requests --fail", "--failed")]
    [InlineData("usage --sinc 7d", "--since")]
    [InlineData("ask hi --key x", "--key-file")]
    [InlineData("config validat", "validate")]
    [InlineData("sp", "ps")]
    [InlineData("stpo qwen", "stop")]
    [InlineData("log qwen", "logs")]
    [InlineData("rnu /m", "run")]
    [InlineData("run /m --kepe 10m", "--keep")]
    [InlineData("logs qwen --folow", "--follow")]
    [InlineData("stop qwen --noww", "--now")]
    public void A_typing_mistake_is_answered_with_what_was_meant(string line, string meant)
    {
        ParseResult parsed = CommandTree.Build().Parse(line);
        Assert.NotEmpty(parsed.Errors);
        var said = new StringWriter();
        UsageErrors.Write(parsed, said);
        Assert.Contains($"Did you mean '{meant}'?", said.ToString(), StringComparison.Ordinal);
        Assert.Contains("--help'.", said.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("keys", "'fairlead keys' needs a verb: create, list, ")]
    [InlineData("keys create --name x --rpm many", "--rpm is 'many'; a whole number is expected.")]
    [InlineData("models --timeout soon", "--timeout is 'soon'; a whole number is expected.")]
    [InlineData("models --timeout 0", "seconds from 1 to 3600 are expected")]
    [InlineData("run /m --ctx lots", "--ctx is 'lots'; a whole number is expected.")]
    [InlineData("run /m --threads 0", "--threads is '0'; a number from 1 to 1024 is expected.")]
    [InlineData("run /m --quantize q4_1", "--quantize is 'q4_1'; one of q8_0, q4_0, q4_k is expected.")]
    [InlineData("worker --model /m --socket /s --quantize Q8", "--quantize is 'Q8'; one of q8_0, q4_0, q4_k is expected.")]
    [InlineData("run /m --kv q4_0", "--kv is 'q4_0'; one of f32, f16, q8_0 is expected.")]
    [InlineData("worker --model /m --socket /s --kv F16", "--kv is 'F16'; one of f32, f16, q8_0 is expected.")]
    [InlineData("run /m --stall 9ms", "--stall is '9ms'; a duration from 10ms to 5s is expected.")]
    [InlineData("worker --model /m --socket /s --stall soon", "--stall is 'soon'; a duration from 10ms to 5s is expected.")]
    [InlineData("worker --model /m --socket /s --stall 5001ms", "--stall is '5001ms'; a duration from 10ms to 5s is expected.")]
    [InlineData("run /m --guesses 65", "--guesses is '65'; a number from 0 to 64 is expected.")]
    [InlineData("worker --model /m --socket /s --guesses -1", "--guesses is '-1'; a number from 0 to 64 is expected.")]
    [InlineData("run /m --draft", "--draft")]
    [InlineData("bananas", "'fairlead' has no verb 'bananas'.")]
    [InlineData("version now", "'fairlead version' does not take 'now'.")]
    [InlineData("requests show", "'show'")]
    public void What_is_wrong_is_said_in_words_of_the_command_line(string line, string words)
    {
        var said = new StringWriter();
        UsageErrors.Write(CommandTree.Build().Parse(line), said);
        Assert.Contains(words, said.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("System.", said.ToString(), StringComparison.Ordinal);
    }

    private static IEnumerable<Command> All(Command command) => [command, .. command.Subcommands.SelectMany(All)];
}
