using Fairlead.Configuration;
using Fairlead.Gateway.Settings;
using Fairlead.Shared;
using Fairlead.Verbs;

namespace Fairlead.Tests.Configuration;

public sealed class ConfigurationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fairlead-config-").FullName;

    [Theory]
    [InlineData("listn: x", 1, "listn is not known. Did you mean 'listen'?")]
    [InlineData("listen: 8080", 1, "listen is '8080'; an address and port")]
    [InlineData("listen: 127.0.0.1:99999", 1, "listen is '127.0.0.1:99999'")]
    [InlineData("listen: 127.0.0.1:8080\nlisten: 127.0.0.1:8081", 2, "stands twice")]
    [InlineData("discover: maybe", 1, "discover is 'maybe'; true or false is expected")]
    [InlineData("dispatch:\n  attempts: ten", 2, "dispatch.attempts is 'ten'; a whole number from 1 to 5 is expected")]
    [InlineData("dispatch:\n  attempts: 9", 2, "dispatch.attempts is '9'")]
    [InlineData("dispatch:\n  idle: 10 parsecs", 2, "dispatch.idle is '10 parsecs'")]
    [InlineData("dispatch:\n  idle: 1ms", 2, "dispatch.idle is '1ms'; a duration from 100ms to 10m is expected")]
    [InlineData("dispatch: fast", 1, "dispatch is 'fast'; a section with keys is expected")]
    [InlineData("limits:\n  body: huge", 2, "limits.body is 'huge'")]
    [InlineData("providers:\n  nobody: {}", 2, "providers.nobody needs a url")]
    [InlineData("providers:\n  alpha: { url: \"ftp://x\" }", 2, "providers.alpha.url is 'ftp://x'")]
    [InlineData("providers:\n  alpha: { url: \"http://user:pw@10.0.0.1/v1\" }", 2, "without user name")]
    [InlineData("providers:\n  alpha: { url: \"http://example.com/v1\" }", 2, "Use https, or set allow_insecure: true")]
    [InlineData("providers:\n  alpha:\n    url: http://127.0.0.1:1/v1\n    models:\n      a/b: { input: -1, output: 1 }", 5, "providers.alpha.models.a/b.input is '-1'")]
    [InlineData("providers:\n  alpha:\n    url: http://127.0.0.1:1/v1\n    models:\n      a/b: { input: 1 }", 5, "a price needs both")]
    [InlineData("providers:\n  alpha:\n    url: http://127.0.0.1:1/v1\n    models:\n      a/b: { input: 1e3, output: 1 }", 5, "plain decimal text")]
    [InlineData("providers:\n  alpha:\n    url: http://127.0.0.1:1/v1\n    models:\n      a/b: { context: 0 }", 5, "context is '0'")]
    [InlineData("providers:\n  together: { key: \"${env:NOT_SET_ANYWHERE}\" }", 2, "names the environment variable NOT_SET_ANYWHERE, which is not set")]
    [InlineData("providers:\n  together: { key: \"${file:/nowhere/at/all}\" }", 2, "cannot be read")]
    [InlineData("providers:\n  together: { key: \"${vault:x}\" }", 2, "${env:NAME} or ${file:/path} is expected")]
    [InlineData("providers:\n  alpha: { url: \"http://127.0.0.1:1/v1\", dialect: anthropic }", 2, "does not speak Anthropic's dialect yet")]
    [InlineData("providers:\n  alpha: { url: \"http://127.0.0.1:1/v1\", dialect: klingon }", 2, "'openai' or 'anthropic' is expected")]
    [InlineData("models:\n  a: { try: [] }", 2, "models.a.try is missing or empty")]
    [InlineData("models:\n  a: { try: [b] }\n  b: { try: [x/y] }", 2, "which is an alias itself")]
    [InlineData("models:\n  a: { try: [x/y], budget: lots }", 2, "models.a.budget is 'lots'; an amount per day or month")]
    [InlineData("keys:\n  \"bad name\": { rate: 60/min }", 2, "keys.bad name")]
    [InlineData("keys:\n  k: { rate: 60/hour }", 2, "keys.k.rate is '60/hour'")]
    [InlineData("keys:\n  k: { parallel: 0 }", 2, "keys.k.parallel is '0'")]
    [InlineData("local:\n  m: { source: /x.gguf }", 2, "local.m.source is not known")]
    [InlineData("local:\n  m: {}", 2, "local.m needs a path")]
    [InlineData("local:\n  m: { path: /no/such/folder }", 2, "local.m.path: /no/such/folder does not exist")]
    [InlineData("local:\n  m: { path: /etc }", 2, "/etc holds no weights")]
    [InlineData("local:\n  m: { path: /etc/hostname }", 2, "is a file and no .gguf")]
    [InlineData("local:\n  m: { path: /etc, slots: 0 }", 2, "local.m.slots is '0'; a whole number from 1 to 256 is expected")]
    [InlineData("local:\n  m: { path: /etc, context: 8 }", 2, "local.m.context is '8'")]
    [InlineData("local:\n  \"bad name\": { path: /etc }", 2, "local.bad name: a model's name has letters")]
    [InlineData("local:\n  m: { path: /etc }\n  M: { path: /etc }", 3, "differ in upper and lower case only")]
    [InlineData("local:\n  m: { path: /etc }\n  m: { path: /etc }", 3, "stands twice")]
    [InlineData("local: [m]", 1, "local is a list; a section with keys is expected")]
    [InlineData("guide: perhaps", 1, "guide is 'perhaps'; true or false is expected")]
    [InlineData("providers:\n  local: { url: \"http://127.0.0.1:1/v1\" }", 2, "Call the provider something else")]
    [InlineData("providers:\n  Fairlead: { url: \"http://127.0.0.1:1/v1\" }", 2, "Call the provider something else")]
    [InlineData("providers:\n  together: { key: \"Bearer ${env:HOME}\" }", 2, "mixes text with a reference")]
    [InlineData("providers:\n  together: { key: \"two words\" }", 2, "another character that no key has (it is not shown)")]
    [InlineData("providers:\n  together: { key: \"a\" }\n  Together: { key: \"b\" }", 3, "differ in upper and lower case only")]
    [InlineData("providers: [a]", 1, "providers is a list; a section with keys is expected")]
    [InlineData("providers:\n  alpha: x", 2, "providers.alpha is 'x'; a section with keys is expected")]
    [InlineData("cors: [app.example.com]", 1, "cors holds 'app.example.com'; '*' or an origin")]
    [InlineData("cors: [\"https://app.example.com/\"]", 1, "without path")]
    [InlineData("keys:\n  k: { budget: 5/week }", 2, "keys.k.budget is '5/week'; an amount per day or month")]
    [InlineData("keys:\n  k: { budget: -5/day }", 2, "keys.k.budget is '-5/day'")]
    [InlineData("limits:\n  drain: forever", 2, "limits.drain is 'forever'; a duration from 0s to 60m is expected")]
    [InlineData("- a\n- b", 1, "the file is no mapping")]
    [InlineData("a: &x 1\nb: *x", 1, "anchors and aliases are not used here")]
    [InlineData("a: [1, 2", 2, "this is not YAML")]
    [InlineData("a: b: c", 1, "this is not YAML")]
    [InlineData("listen: 127.0.0.1:8080\n---\nlisten: 127.0.0.1:8081", 0, "more than one document")]
    public void A_bad_file_stops_the_start_with_its_line_and_the_fix(string yaml, int line, string words)
    {
        LoadedConfiguration loaded = Load(yaml);
        Assert.Null(loaded.Settings);
        Assert.Contains(loaded.Errors, e => (line == 0 || e.Line == line) && e.Message.Contains(words, StringComparison.Ordinal));
        Assert.All(loaded.Errors, static e => Assert.StartsWith("fairlead.yaml", e.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public void All_errors_are_told_at_once() =>
        Assert.Equal(
            ["listn", "dispatch.attempts", "dispatch.idle", "providers.nobody", "providers.together.key", "models.a.try"],
            Load("listn: x\ndispatch:\n  attempts: 9\n  idle: never\nproviders:\n  nobody: {}\n  together: { key: \"${env:NOT_SET_ANYWHERE}\" }\nmodels:\n  a: {}")
                .Errors.Select(static e => e.Message.Split(' ')[0].TrimEnd(':')));

    [Fact]
    public void A_secret_in_the_file_is_warned_about_and_one_in_the_environment_is_not()
    {
        Assert.Contains(Load("providers:\n  together: { key: abc }").Warnings, static w => w.Contains("holds the secret itself", StringComparison.Ordinal));
        Assert.Empty(Load("providers:\n  together: {}", ("FAIRLEAD__PROVIDERS__TOGETHER__KEY", "abc")).Warnings);
    }

    [Theory]
    [InlineData("FAIRLEAD__DISPATCH__IDEL", "1s", "Did you mean 'idle'?")]
    [InlineData("FAIRLEAD__DISPATCH__IDLE", "soon", "dispatch.idle is 'soon'")]
    [InlineData("FAIRLEAD__LISTEN", "8080", "listen is '8080'")]
    public void What_is_wrong_in_the_environment_is_told_with_the_variables_name(string name, string value, string words)
    {
        ConfigurationError error = Assert.Single(Load("discover: false", (name, value)).Errors);
        Assert.Equal($"environment variable {name}", error.Source);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_documented_shape_is_read()
    {
        LoadedConfiguration loaded = Load("""
            listen: 127.0.0.1:8081
            data: ~/fl
            providers:
              together: { key: "${env:TOGETHER_API_KEY}" }
              alpha:
                dialect: openai
                url: http://127.0.0.1:9001/v1
                key: "${env:ALPHA_KEY}"
                models:
                  meta-llama/Llama-3.1-8B-Instruct: { as: llama-8b, input: 0.20, output: 0.60, context: 128k, tools: true, images: false }
            models:
              chat-default:
                try: [meta-llama/Llama-3.1-8B-Instruct, openai/gpt-5-mini]
                budget: $50/day
            keys:
              ci-bot: { models: [chat-default], budget: $20/month, rate: 60/min }
            """, ("TOGETHER_API_KEY", "t-secret"), ("ALPHA_KEY", "a-secret"), ("HOME", "/home/u"));
        Assert.Empty(loaded.Errors);
        var settings = loaded.Settings!;
        Assert.Equal((8081, "/home/u/fl"), (settings.Listen.Port, settings.DataFolder));
        var model = Assert.Single(settings.Providers[1].Models);
        Assert.Equal((200_000_000L, 600_000_000L, 131_072L, "llama-8b"), (model.Price!.Input.PerMillion.Value, model.Price.Output.PerMillion.Value, model.ContextLength, model.ProviderModelId));
        Assert.Equal(60, settings.Keys[0].Limits.RequestsPerMinute);
        Assert.DoesNotContain("secret", settings.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("secret", settings.Providers[0].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Flags_win_over_the_environment_the_environment_over_the_file_and_the_file_over_defaults()
    {
        const string Yaml = "listen: 127.0.0.1:1001\ndispatch: { attempts: 2 }";
        Assert.Equal(1001, Load(Yaml).Settings!.Listen.Port);
        Assert.Equal(1002, Load(Yaml, ("FAIRLEAD__LISTEN", "127.0.0.1:1002")).Settings!.Listen.Port);
        Assert.Equal(4, Load(Yaml, ("FAIRLEAD__DISPATCH__ATTEMPTS", "4")).Settings!.Dispatch.Attempts);
        Assert.Equal(1003, ConfigurationLoader.Load(Sources(Yaml, [("FAIRLEAD__LISTEN", "127.0.0.1:1002")]) with { Listen = "127.0.0.1:1003" }).Settings!.Listen.Port);
    }

    [Fact]
    public void Keys_in_the_environment_add_their_providers()
    {
        var settings = Load("discover: false", ("GROQ_API_KEY", "g"), ("HF_TOKEN", "h")).Settings!;
        Assert.Equal(["groq", "huggingface"], settings.Providers.Where(static p => p.Found).Select(static p => p.Name));
    }

    [Theory]
    [InlineData("bert", true)]
    [InlineData("llama", false)]
    public void An_encoder_is_known_for_one_before_it_is_loaded(string checkpoint, bool isEncoder)
    {
        string folder = Path.Combine(Checkout.Root, "tests", "data", "goldens", checkpoint);
        Assert.Equal(isEncoder, Load($"local: {{ m: {{ path: {folder} }} }}").Settings!.Local.Single().Embeddings);
    }

    [Fact]
    public void A_folder_of_pickles_is_refused_and_one_of_safetensors_is_not()
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder, "model")).FullName;
        File.WriteAllText(Path.Combine(folder, "pytorch_model.bin"), "");
        Assert.Contains("holds only pickles", Load($"local: {{ m: {{ path: {folder} }} }}").Errors.Single().Message, StringComparison.Ordinal);
        Assert.Contains("is a pickle", Load($"local: {{ m: {{ path: {folder}/pytorch_model.bin }} }}").Errors.Single().Message, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(folder, "model.safetensors"), "");
        LocalModelSettings local = Load($"local: {{ m: {{ path: {folder}, context: 4k, slots: 2, threads: 3 }} }}").Settings!.Local.Single();
        Assert.Equal(new LocalModelSettings("m", folder, 4096, 2, 3), local);
    }

    [Fact]
    public void The_built_in_model_is_offered_unless_it_is_switched_off()
    {
        Assert.True(File.Exists(Path.Combine(Load("discover: false").Settings!.GuideFolder!, "model.safetensors")));
        Assert.Null(Load("guide: false").Settings!.GuideFolder);
    }

    [Fact]
    public void What_the_run_verb_names_stands_over_the_file()
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder, "[odd] name")).FullName;
        File.WriteAllText(Path.Combine(folder, "model.safetensors"), "");
        string name = RunVerb.NameOf(folder);
        Assert.Equal("odd--name", name);
        var sources = Sources($"local: {{ {name}: {{ path: /no/such/folder, slots: 9 }} }}", []) with { Local = new LocalModelSettings(name, folder, Threads: 2) };
        Assert.Equal(new LocalModelSettings(name, folder, Threads: 2), ConfigurationLoader.Load(sources).Settings!.Local.Single());
    }

    [Theory]
    [InlineData("/models/Qwen2.5-0.5B/", "Qwen2.5-0.5B")]
    [InlineData("/models/llama-3.2-1b-q4_k_m.gguf", "llama-3.2-1b-q4_k_m")]
    [InlineData("/models/.hidden model.GGUF", "hidden-model")]
    [InlineData("/models/模型", "model")]
    public void A_model_is_called_as_its_folder_or_file_is(string path, string name) => Assert.Equal(name, RunVerb.NameOf(path));

    [Fact]
    public void Listening_beyond_loopback_is_warned_about() =>
        Assert.Contains(Load("listen: 0.0.0.0:8080").Warnings, static w => w.Contains("other machines can reach", StringComparison.Ordinal));

    [Fact]
    public void The_published_schema_and_page_are_those_of_the_code()
    {
        string root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Fairlead.slnx")))
            root = Path.GetDirectoryName(root)!;
        Assert.Equal(SchemaWriter.JsonSchema(), File.ReadAllText(Path.Combine(root, "docs", "fairlead.schema.json")));
        Assert.Equal(SchemaWriter.ReferencePage(), File.ReadAllText(Path.Combine(root, "docs", "configuration.md")));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private LoadedConfiguration Load(string yaml, params (string Name, string Value)[] environment) => ConfigurationLoader.Load(Sources(yaml, environment));

    private ConfigurationSources Sources(string yaml, (string Name, string Value)[] environment)
    {
        string file = Path.Combine(_folder, "fairlead.yaml");
        File.WriteAllText(file, yaml);
        return new ConfigurationSources
        {
            File = file,
            Environment = name => environment.FirstOrDefault(e => e.Name == name).Value ?? (name == "HOME" ? "/home/u" : null),
            EnvironmentNames = [.. environment.Select(static e => e.Name)],
        };
    }
}
