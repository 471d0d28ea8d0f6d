using Fairlead.Fleet.Workers;

namespace Fairlead.Fleet.Tests.Workers;

/// <summary>Security P-05: whatever a name or a source holds, it is never an argument of its own, and never anything else than itself.</summary>
public sealed class EscapeRulesTests
{
    private static readonly string[] Payloads =
    [
        "--help", "-m", "-", "--", "---", "--model=/etc/shadow", "-o/tmp/x", "--api-key", "--host=0.0.0.0", "-h", "--log-file", "-Xmx1g",
        "@/etc/passwd", "@args.rsp", "@", "", "\0", "a\0b", "/srv/m\0--help", "a\nb", "a\rb", "a\tb", "\e[2J", "a\u0085b", "a\u2028b", "a\u2029b", "\u007f", "\ud800", "a\udc00b",
        "a b", "a  b", " a", "a ", "a --help", "/srv/a --host 0.0.0.0", "/srv/a;reboot", "/srv/a && reboot", "/srv/a || reboot", "/srv/a | cat", "/srv/a > /etc/x", "/srv/a < /etc/x",
        "$(reboot)", "`reboot`", "${HOME}", "$HOME", "~", "~root", "~/x", "*", "?", "[a-z]*", "{a,b}", "!reboot", "!!", "#comment", "a#b", "a&", "&", ";", "|", "\\", "\\n", "a\\ b",
        "'", "\"", "a'b", "a\"b", "'; reboot; '", "\"; reboot; \"", "' --help '", "\" --help \"", "a' '--help", "a\" \"--help",
        "{source}", "{name}", "{port}", "{socket}", "{context}", "{slots}", "{threads}", "{cells}", "{{source}}", "{source", "source}", "{source}{name}", "a{port}b", "{ source }", "{SOURCE}",
        "%s%s%s", "%n", "%00", "%2e%2e", "../../etc/passwd", "..", "/..", "//", "/proc/self/environ", "/dev/stdin", "file:///etc/passwd", "http://169.254.169.254/", "\\\\host\\share",
        "a=b", "=", "a:b", "C:\\x", "LD_PRELOAD=/tmp/x.so", "тест", "模型", "\U0001F600", "a\u202Eb", "a\u200Bb", "ａ－－help", "–help", "—help",
    ];

    public static TheoryData<string> All => [.. Payloads.Select(static (p, i) => $"{i}")];

    [Fact]
    public void There_are_more_than_a_hundred_of_them() => Assert.InRange(Payloads.Distinct(StringComparer.Ordinal).Count(), 100, 1_000);

    [Theory, MemberData(nameof(All))]
    public void It_is_refused_or_it_is_one_argument_and_itself(string number)
    {
        string payload = Payloads[int.Parse(number)];
        AsSource(payload, payload);
        AsSource("/srv/" + payload, payload);
        foreach (string name in (string[])[payload, "local/" + payload])
        {
            var spec = new WorkerSpec { Model = name, Source = "/srv/m" };
            if (EscapeRules.RefuseName(name) is null)
                Assert.Equal(["worker", "--model", "/srv/m", "--socket", "/w/1.sock", "--name", name, "--slots", "8"], new WorkerCommand("/p", ["worker"]).LineFor(spec, "/w/1.sock", null));
            else
                Assert.True(IsDangerous(name), name);
        }
    }

    private static void AsSource(string source, string payload)
    {
        var spec = new WorkerSpec { Model = "local/m", Source = source };
        EngineCommand engine = EngineRecipes.For("x", ["/bin/x", "{source}", "--model={source}", "{name}", "{port}"], null)!;
        if (EscapeRules.RefuseSource(source) is { } why)
        {
            Assert.True(IsDangerous(source), $"{payload} was refused for nothing: {why}");
            Assert.Equal(why, engine.Refuse(spec));
            Assert.Throws<WorkerFailedException>(() => WorkerProcess.Start(new WorkerCommand("/no/such/program", []), spec, "/w/1.sock", null, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, new LogRing(TimeProvider.System)));
            return;
        }
        Assert.False(IsDangerous(source), source);
        Assert.Equal(["worker", "--model", source, "--socket", "/w/1.sock", "--name", "local/m", "--slots", "8"], new WorkerCommand("/p", ["worker"]).LineFor(spec, "/w/1.sock", null));
        Assert.Equal(["/bin/x", source, $"--model={source}", "local/m", "4711"], engine.LineFor(spec, "/w/1.sock", 4711)); // nothing in it was replaced a second time
    }

    // Written here once more, in other words: empty, an option, a response file, or what no C string, terminal or log line can hold.
    private static bool IsDangerous(string value) =>
        value.Length == 0 || value[0] is '-' or '@' || value.Any(static c => char.IsControl(c) || c is '\u2028' or '\u2029')
            || value.EnumerateRunes().Any(static rune => rune.Value == 0xFFFD);
}
