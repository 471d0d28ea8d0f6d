using System.Collections.Immutable;
using Fairlead.Fleet.Workers;

namespace Fairlead.Fleet.Tests.Workers;

/// <summary>What stands in an engine's command line, and what can never come to stand there.</summary>
public sealed class EngineCommandTests
{
    private static readonly WorkerSpec Spec = new() { Model = "local/qwen", Source = "/srv/qwen.gguf", Context = 4096, Slots = 4, Threads = 2 };

    public static TheoryData<string> Words => [.. EngineRecipes.Words];

    [Fact]
    public void Five_engines_are_known() => Assert.Equal(["llama-server", "ollama", "tei", "tgi", "vllm"], EngineRecipes.Words);

    [Theory, MemberData(nameof(Words))]
    public void A_known_engine_listens_for_this_machine_alone_and_at_one_place(string word)
    {
        EngineCommand engine = Known(word);
        Assert.Null(engine.Refuse(Spec));
        Assert.Null(engine.Refuse(Spec with { Context = null, Threads = null }));
        string line = string.Join(' ', [.. engine.LineFor(Spec, "/w/1.sock", 4711), .. engine.EnvironmentFor(Spec, "/w/1.sock", 4711).Select(static v => $"{v.Key}={v.Value}")]);
        Assert.DoesNotContain('{', line);
        if (engine.UsesSocket)
            Assert.Contains("/w/1.sock", line, StringComparison.Ordinal);
        else
            Assert.Matches("127\\.0\\.0\\.1.*4711", line);
    }

    [Fact]
    public void What_the_configuration_does_not_say_is_left_out_with_its_option()
    {
        Assert.Equal(
            ["llama-server", "--model", "/srv/qwen.gguf", "--alias", "local/qwen", "--host", "/w/1.sock", "--ctx-size", "16384", "--parallel", "4", "--threads", "2"],
            Known("llama-server").LineFor(Spec, "/w/1.sock", 0));
        Assert.Equal(
            ["llama-server", "--model", "/srv/qwen.gguf", "--alias", "local/qwen", "--host", "/w/1.sock", "--parallel", "4"],
            Known("llama-server").LineFor(Spec with { Context = null, Threads = null }, "/w/1.sock", 0));
        Assert.DoesNotContain(Known("ollama").EnvironmentFor(Spec with { Context = null }, "", 1), static v => v.Key == "OLLAMA_CONTEXT_LENGTH");
    }

    [Fact]
    public void The_address_is_where_the_command_says_it_listens()
    {
        Assert.Equal(new WorkerAddress(new Uri("http://worker/v1"), "/w/1.sock", "local/qwen"), Known("llama-server").AddressFor(Spec, "/w/1.sock", 0));
        Assert.Equal(new WorkerAddress(new Uri("http://127.0.0.1:4711/v1"), null, "/srv/qwen.gguf"), Known("tei").AddressFor(Spec, "/w/1.sock", 4711));
    }

    [Fact]
    public void A_command_of_ones_own_replaces_the_known_one_and_keeps_what_is_known_of_the_engine()
    {
        EngineCommand engine = EngineRecipes.For("ollama", ["/opt/ollama", "serve", "--listen=127.0.0.1:{port}"], 9)!;
        Assert.Equal(["/opt/ollama", "serve", "--listen=127.0.0.1:4711"], engine.LineFor(Spec, "", 4711));
        Assert.Equal(("/api/version", 9L), (engine.ReadyPath, engine.Memory));
        Assert.DoesNotContain(engine.EnvironmentFor(Spec, "", 4711), static v => v.Key == "OLLAMA_HOST");
        Assert.Null(EngineRecipes.For("nobody's", [], null));
        Assert.Equal("/health", EngineRecipes.For("nobody's", ["x", "{port}"], null)!.ReadyPath);
    }

    [Fact]
    public void Two_commands_are_equal_when_they_say_the_same()
    {
        ImmutableArray<string> line = ["x", "{port}"];
        Assert.Equal(EngineRecipes.For("x", line, 1), EngineRecipes.For("x", [.. line.ToArray()], 1));
        Assert.NotEqual(EngineRecipes.For("x", line, 1), EngineRecipes.For("x", line, 2));
        Assert.NotEqual(EngineRecipes.For("x", ["a b", "{port}"], 1), EngineRecipes.For("x", ["a", "b", "{port}"], 1));
    }

    [Theory]
    [InlineData("it is where the engine shall listen", "serve")]
    [InlineData("it is where the engine shall listen", "serve", "{port}", "{socket}")]
    [InlineData("{modell}", "serve", "--model={modell}", "{port}")]
    [InlineData("cannot begin with \"-\"", "--serve", "{port}")]
    [InlineData("control character U+000A", "serve", "a\nb", "{port}")]
    [InlineData("context is not configured", "serve", "{port}", "--ctx", "{context}")]
    [InlineData("threads is not configured", "serve", "{port}", "-t{threads}")]
    public void A_command_that_cannot_work_is_refused_with_what_is_wrong_about_it(string why, params string[] command) =>
        Assert.Contains(why, EngineRecipes.For("x", [.. command], null)!.Refuse(Spec with { Context = null, Threads = null }), StringComparison.Ordinal);

    [Fact]
    public void Braces_that_are_no_placeholder_stay() =>
        Assert.Equal(["x", """{"a": {}}""", "{Model}", "1"], EngineRecipes.For("x", ["x", """{"a": {}}""", "{Model}", "{port}"], null)!.LineFor(Spec, "", 1));

    private static EngineCommand Known(string word) => EngineRecipes.For(word, [], null)!;
}
