using Fairlead.Shared;

namespace Fairlead.Tests.Process;

/// <summary>What the verbs for models of one's own say to what they cannot do. Nothing is loaded by any of it, so one server serves them all.</summary>
public sealed class FleetVerbWordsTests(FleetVerbWordsTests.Served served) : IClassFixture<FleetVerbWordsTests.Served>
{
    [Theory]
    [InlineData(3, "No model that this server runs is called 'writen'. Did you mean 'local/written'?", "stop", "writen")]
    [InlineData(3, "Did you mean 'local/written'?", "logs", "local/writen")]
    [InlineData(3, "List them with 'fairlead ps'.", "logs", "something else")]
    [InlineData(2, "'fairlead ps' has no option '--wach'. Did you mean '--watch'?", "ps", "--wach")]
    [InlineData(2, "'stop'", "stop")]
    [InlineData(2, "'fairlead stop' has no option '--force'", "stop", "written", "--force")]
    [InlineData(2, "does not exist", "run", "/no/such/model")]
    [InlineData(2, "is a file and no .gguf", "run", "/etc/passwd")]
    [InlineData(2, "keep is 'soon'; a duration from 0s to 30d or 'forever' is expected", "run", "/etc", "--keep", "soon")]
    [InlineData(2, "a model's name has letters", "run", "/etc", "--name", "a b")]
    [InlineData(0, "", "ps", "--json")]
    [InlineData(0, "", "logs", "guide", "--json")]
    [InlineData(0, "has written nothing yet", "logs", "guide")]
    public async Task What_is_asked_for_wrongly_is_told_with_what_was_meant(int expected, string words, params string[] arguments)
    {
        (int code, string output, string error) = await served.Fairlead.RunAsync(arguments);
        Assert.True(expected == code, $"{code}: {output}{error}");
        Assert.Contains(words, error, StringComparison.Ordinal);
    }

    /// <summary>A server with one model, which nobody asks.</summary>
    public sealed class Served : IAsyncLifetime
    {
        internal FairleadProcess Fairlead { get; } = new($"local: {{ written: {{ source: {Path.Combine(Checkout.Root, "tests", "data", "goldens", "qwen2")}, slots: 3 }} }}");

        public async ValueTask InitializeAsync() => await Fairlead.StartAsync();

        public ValueTask DisposeAsync() => Fairlead.DisposeAsync();
    }
}
