namespace Fairlead.Tests.Process;

/// <summary>Verbs end with the codes that a script can tell apart. None of them changes what the next one finds, so one server serves them all.</summary>
public sealed class VerbCodeTests(VerbCodeTests.Served served) : IClassFixture<VerbCodeTests.Served>
{
    [Theory]
    [InlineData(2, "serv")]
    [InlineData(2, "keys", "create")]
    [InlineData(2, "keys", "create", "--name", "x", "--budget", "lots")]
    [InlineData(3, "requests", "show", "req_00000000000000000000000000")]
    [InlineData(3, "models", "show", "acme/nobody")]
    [InlineData(2, "requests", "--limit", "0")]
    [InlineData(2, "requests", "--limit", "1001")]
    [InlineData(2, "requests", "--before", "yesterday")]
    [InlineData(3, "requests", "--key", "nobody")]
    [InlineData(2, "usage", "--since", "yesterday")]
    [InlineData(2, "usage", "--by", "colour")]
    [InlineData(3, "keys", "rotate", "nobody")]
    [InlineData(3, "ask", "hello", "-m", "acme/nobody")]
    [InlineData(2, "ask")]
    [InlineData(2, "ask", "hello", "-f", "/no/such/file")]
    [InlineData(2, "ask", "hello", "--json-schema", "/no/such/file")]
    [InlineData(4, "ask", "hello", "--key-file", "/no/such/file")]
    [InlineData(6, "ask", "let it fail")]
    [InlineData(0, "help", "keys", "create")]
    [InlineData(0, "keys", "list")]
    [InlineData(0, "requests", "--failed")]
    [InlineData(0, "config", "schema")]
    [InlineData(0, "config", "reference")]
    [InlineData(0, "--help")]
    [InlineData(0, "models")]
    [InlineData(0, "usage", "--by", "key,day")]
    [InlineData(0, "ledger", "verify")]
    [InlineData(0, "doctor")]
    [InlineData(0, "config", "validate")]
    [InlineData(0, "version")]
    public async Task Every_verb_ends_with_its_documented_code(int expected, params string[] arguments)
    {
        (int code, string output, string error) = await served.Fairlead.RunAsync(arguments);
        Assert.True(expected == code, $"{code}: {output}{error}");
        if (expected != 0)
            Assert.NotEmpty(error);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', output);
    }

    /// <summary>A server with one provider.</summary>
    public sealed class Served : IAsyncLifetime
    {
        private PlainUpstream _upstream = null!;

        internal FairleadProcess Fairlead { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            _upstream = await PlainUpstream.StartAsync();
            Fairlead = new FairleadProcess($$"""
                providers:
                  alpha: { url: {{_upstream.Url}}, models: { acme/chat: { as: m, input: 0.20, output: 0.60, context: 128k } } }
                """);
            await Fairlead.StartAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await Fairlead.DisposeAsync();
            await _upstream.DisposeAsync();
        }
    }
}
