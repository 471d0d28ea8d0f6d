using Fairlead.Api;
using Fairlead.Configuration;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Gateway.Settings;
using Fairlead.Shared;
using Fairlead.Upstreams.Providers;
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
    [InlineData("providers:\n  alpha: { dialect: anthropic }", 2, "providers.alpha needs a url")]
    [InlineData("providers:\n  deepseek: { dialect: anthropic }", 2, "deepseek speaks 'openai' where it is known to be. Give the url at which it speaks 'anthropic'")]
    [InlineData("providers:\n  anthropic: { dialect: openai }", 2, "anthropic speaks 'anthropic' where it is known to be")]
    [InlineData("providers:\n  alpha:\n    url: http://127.0.0.1:1/v1\n    dialect: anthropic\n    models:\n      a/b: { embeddings: true }", 6, "Anthropic's dialect has none")]
    [InlineData("providers:\n  alpha: { url: \"http://127.0.0.1:1/v1\", auth: cookie }", 2, "'bearer' or 'x-api-key' or 'api-key' or 'key' is expected")]
    [InlineData("providers:\n  alpha: { url: \"http://127.0.0.1:1/v1\", dialect: klingon }", 2, "'openai' or 'anthropic' is expected")]
    [InlineData("models:\n  a: { try: [] }", 2, "models.a.try is missing or empty")]
    [InlineData("models:\n  a: { try: [b] }\n  b: { try: [x/y] }", 2, "which is an alias itself")]
    [InlineData("models:\n  a: { try: [x/y], budget: lots }", 2, "models.a.budget is 'lots'; an amount per day or month")]
    [InlineData("keys:\n  \"bad name\": { rate: 60/min }", 2, "keys.bad name")]
    [InlineData("keys:\n  k: { rate: 60/hour }", 2, "keys.k.rate is '60/hour'")]
    [InlineData("keys:\n  k: { parallel: 0 }", 2, "keys.k.parallel is '0'")]
    [InlineData("local:\n  m: { source: /x.gguf }", 2, "local.m.source: /x.gguf does not exist")]
    [InlineData("local:\n  m: { source: /etc }", 2, "local.m.source: /etc holds no weights")]
    [InlineData("local:\n  m: { sorce: /etc }", 2, "local.m.sorce is not known. Did you mean 'source'?")]
    [InlineData("local:\n  m: { source: /etc, path: /etc }", 2, "local.m.path is the former name of source, and both are there")]
    [InlineData("local:\n  m: { source: \"\" }", 2, "local.m needs a source")]
    [InlineData("local:\n  m: { source: [a] }", 2, "local.m.source is a list; a text is expected")]
    [InlineData("local:\n  m: {}", 2, "local.m needs a source")]
    [InlineData("local:\n  m: { source: /etc, quantize: q4_1 }", 2, "local.m.quantize is 'q4_1'; 'q8_0' or 'q4_0' or 'q4_k' is expected")]
    [InlineData("local:\n  m: { source: /etc, kv: bf16 }", 2, "local.m.kv is 'bf16'; 'f32' or 'f16' or 'q8_0' is expected")]
    [InlineData("local:\n  m: { source: /etc, stall: 9ms }", 2, "local.m.stall is '9ms'; a duration from 10ms to 5s is expected")]
    [InlineData("local:\n  m: { source: /etc, stall: 6s }", 2, "local.m.stall is '6s'; a duration from 10ms to 5s is expected")]
    [InlineData("local:\n  m: { source: /etc, guesses: 65 }", 2, "local.m.guesses is '65'; a whole number from 0 to 64 is expected")]
    [InlineData("local:\n  m: { source: /etc, draft: [a] }", 2, "local.m.draft is a list; a text is expected")]
    [InlineData("local:\n  m: { source: /etc, draft: \"\" }", 2, "local.m.draft is empty")]
    [InlineData("local:\n  m: { source: /etc, draft: /no/such }", 2, "local.m.draft: /no/such does not exist")]
    [InlineData("local:\n  m: { source: /etc, threads: many }", 2, "local.m.threads is 'many'; a whole number from 1 to 1024 is expected")]
    [InlineData("local:\n  m: { source: /etc, keep: for ever }", 2, "local.m.keep is 'for ever'; a duration from 0s to 30d or 'forever' is expected")]
    [InlineData("local:\n  m: { source: /etc, keep: -1s }", 2, "local.m.keep is '-1s'")]
    [InlineData("local:\n  m: { source: /etc, keep: 31d }", 2, "local.m.keep is '31d'")]
    [InlineData("local:\n  m: { source: /etc, memory: 75% }", 2, "local.m.memory is '75%'; a size from 1MiB to 1024GiB is expected")]
    [InlineData("local:\n  m: { source: /etc, price: 0.60 }", 2, "local.m.price is '0.60'; US dollars an hour such as $0.60/hour is expected")]
    [InlineData("local:\n  m: { source: /etc, price: $0.60/day }", 2, "local.m.price is '$0.60/day'")]
    [InlineData("local:\n  m: { source: /etc, price: $-1/hour }", 2, "local.m.price is '$-1/hour'")]
    [InlineData("local:\n  m: { source: /etc, price: $0.1234567891/hour }", 2, "local.m.price is '$0.1234567891/hour'")]
    [InlineData("local:\n  m: { source: /etc, model: qwen }", 2, "local.m.model is 'qwen'; a Hub id such as Qwen/Qwen3-14B is expected")]
    [InlineData("local:\n  m: { source: /etc, model: a b/c }", 2, "local.m.model is 'a b/c'")]
    [InlineData("local:\n  m: { source: /etc, model: local/x }", 2, "local.m.model is 'local/x'")]
    [InlineData("local:\n  m: { source: /etc, model: x/y }\n  n: { source: /etc, model: X/Y }", 3, "local.n.model and local.m.model are both x/y")]
    [InlineData("local:\n  m: { source: /etc, engine: lama-server }", 2, "local.m.engine is 'lama-server'; 'llama-server' or 'ollama' or 'tei' or 'tgi' or 'vllm' is expected. Did you mean 'llama-server'?")]
    [InlineData("local:\n  m: { source: x, engine: ollama, memory: 1GiB }", 2, "local.m.engine is ollama, and its program 'ollama' is in no folder of PATH")]
    [InlineData("local:\n  m: { source: /etc/hostname, engine: llama-server }", 2, "/etc/hostname is a file and no .gguf")]
    [InlineData("local:\n  m: { source: /etc, engine: llama-server }", 2, "/etc is no file. llama-server takes a .gguf file")]
    [InlineData("local:\n  m: { source: /no/such, engine: vllm }", 2, "local.m.source: /no/such is no folder")]
    [InlineData("local:\n  m: { source: qwen, engine: tgi }", 2, "local.m.source is 'qwen'; an absolute path, or a Hub id")]
    [InlineData("local:\n  m: { source: -rf, engine: ollama }", 2, "local.m.source is '-rf'; ollama's name of a model such as qwen3:14b is expected")]
    [InlineData("local:\n  m: { source: a/b, engine: vllm }", 2, "local.m needs a memory")]
    [InlineData("local:\n  m: { source: x, command: sh -c }", 2, "local.m.command is 'sh -c'; a list such as [a, b] is expected")]
    [InlineData("local:\n  m: { source: x, command: [] }", 2, "local.m.command is empty")]
    [InlineData("local:\n  m: { source: x, command: [\"\", \"{port}\"] }", 2, "local.m.command: the program of an engine's command is empty")]
    [InlineData("local:\n  m: { source: x, command: [no-such-program, \"{port}\"] }", 2, "local.m.command: 'no-such-program' is in no folder of PATH")]
    [InlineData("local:\n  m: { source: x, command: [bin/serve, \"{port}\"] }", 2, "'bin/serve' is a relative path")]
    [InlineData("local:\n  m: { source: x, command: [/no/such/program, \"{port}\"] }", 2, "'/no/such/program' does not exist")]
    [InlineData("local:\n  m: { source: x, command: [/etc/passwd, \"{port}\"] }", 2, "'/etc/passwd' may not be run by this user")]
    [InlineData("local:\n  m: { source: x, command: [sh, \"{prt}\", \"{port}\"] }", 2, "local.m.command: the engine's command holds {prt}, which stands for nothing; there are {source} {name} {port} {socket} {context} {slots} {threads} {cells}.")]
    [InlineData("local:\n  m: { source: x, command: [sh, \"{port}\", \"{socket}\"] }", 2, "has to say {socket} or {port}, one of the two")]
    [InlineData("local:\n  m: { source: x, command: [-sh, \"{port}\"] }", 2, "cannot begin with \"-\"")]
    [InlineData("local:\n  m: { source: -x, command: [sh, \"{port}\"] }", 2, "a model's source cannot begin with \"-\"")]
    [InlineData("local:\n  m: { source: x, command: [sh] }", 2, "has to say {socket} or {port}")]
    [InlineData("local:\n  m: { source: x, command: [sh, \"{port}\", \"{context}\"] }", 2, "says {context}, and the model's context is not configured")]
    [InlineData("local:\n  m: { source: x, command: [sh, \"{socket}\", \"{threads}\"] }", 2, "says {threads}, and the model's threads is not configured")]
    [InlineData("local:\n  m: { source: x, command: [sh, \"{socket}\"] }", 2, "local.m needs a memory")]
    [InlineData("fleet: 12GiB", 1, "fleet is '12GiB'; a section with keys is expected")]
    [InlineData("fleet: { memory: lots }", 1, "fleet.memory is 'lots'; a size such as 12GiB or a share such as 75% is expected")]
    [InlineData("fleet: { memory: 0% }", 1, "fleet.memory is '0%'")]
    [InlineData("fleet: { memory: 101% }", 1, "fleet.memory is '101%'")]
    [InlineData("fleet: { memory: 12 }", 1, "fleet.memory is '12'")]
    [InlineData("fleet: { queue: 0 }", 1, "fleet.queue is '0'; a whole number from 1 to 100000 is expected")]
    [InlineData("fleet: { queue_wait: 0s }", 1, "fleet.queue_wait is '0s'; a duration from 1s to 60m is expected")]
    [InlineData("fleet: { load: never }", 1, "fleet.load is 'never'; a duration from 1s to 24h is expected")]
    [InlineData("fleet: { wait_for_model: 1 }", 1, "fleet.wait_for_model is '1'; true or false is expected")]
    [InlineData("fleet: { wait: true }", 1, "fleet.wait is not known.")]
    [InlineData("keys:\n  k: { successors: some }", 2, "keys.k.successors is 'some'; true or false is expected")]
    [InlineData("providers:\n  together:\n    models:\n      a/b: { cache_write_hour: 2 }", 4, "providers.together.models.a/b says what a cache costs and not what input and output do")]
    [InlineData("keys:\n  k: { wait_for_model: perhaps }", 2, "keys.k.wait_for_model is 'perhaps'; true or false is expected")]
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
    public void A_server_may_speak_Anthropics_dialect_and_a_known_name_may_at_another_address()
    {
        LoadedConfiguration loaded = Load("""
            providers:
              alpha: { dialect: anthropic, url: "http://127.0.0.1:9001" }
              deepseek: { dialect: anthropic, auth: bearer, url: "https://api.deepseek.com/anthropic", key: "${env:DEEPSEEK_API_KEY}" }
            """, ("DEEPSEEK_API_KEY", "d-secret"), ("ANTHROPIC_API_KEY", "a-secret"));
        Assert.Empty(loaded.Errors);
        Assert.Equal(
            [("alpha", Dialect.Anthropic, null), ("deepseek", Dialect.Anthropic, KeyForm.Bearer), ("anthropic", null, null)],
            loaded.Settings!.Providers.Select(static p => (p.Name, p.Dialect, p.KeyForm)));
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
        Assert.Equal(isEncoder, Load($"local: {{ m: {{ source: {folder} }} }}").Settings!.Local.Single().Embeddings);
        IEnumerable<string> warned = Load($"local: {{ m: {{ source: {folder}, kv: f32, stall: 1s }} }}").Warnings.Where(static w => w.Contains("has no effect: an encoder", StringComparison.Ordinal));
        Assert.Equal(isEncoder ? 2 : 0, warned.Count());
    }

    [Fact]
    public void Kernels_that_no_worker_could_use_are_a_mistake_beside_the_others()
    {
        ConfigurationSources sources = Sources("listen: nowhere", []) with { Kernels = "sse9" };
        IReadOnlyList<ConfigurationError> errors = ConfigurationLoader.Load(sources).Errors;
        Assert.Equal(2, errors.Count);
        Assert.StartsWith("FAIRLEAD_KERNELS is 'sse9'; this machine can run scalar", errors.Single(static e => e.Source == "environment").Message, StringComparison.Ordinal);
        Assert.Empty(ConfigurationLoader.Load(Sources("discover: false", []) with { Kernels = "SCALAR" }).Errors);
    }

    [Fact]
    public void A_folder_of_pickles_is_refused_and_one_of_safetensors_is_not()
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder, "model")).FullName;
        File.WriteAllText(Path.Combine(folder, "pytorch_model.bin"), "");
        Assert.Contains("holds only pickles", Load($"local: {{ m: {{ source: {folder} }} }}").Errors.Single().Message, StringComparison.Ordinal);
        Assert.Contains("is a pickle", Load($"local: {{ m: {{ source: {folder}/pytorch_model.bin }} }}").Errors.Single().Message, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(folder, "model.safetensors"), "");
        LocalModelSettings local = Load($"local: {{ m: {{ source: {folder}, context: 4k, slots: 2, threads: 3 }} }}").Settings!.Local.Single();
        Assert.Equal(new LocalModelSettings("m", folder, 4096, 2, 3), local);
        LocalModelSettings told = Load($"local: {{ m: {{ source: {folder}, quantize: q4_0, kv: q8_0, stall: 12.5ms }} }}").Settings!.Local.Single();
        Assert.Equal(new LocalModelSettings("m", folder) { Quantize = "q4_0", Kv = "q8_0", Stall = TimeSpan.FromMilliseconds(12.5) }, told);
    }

    [Fact]
    public void A_model_of_ones_own_is_read_with_all_that_may_stand_there()
    {
        File.WriteAllText(Path.Combine(_folder, "m.gguf"), "");
        LocalModelSettings local = Load($$"""
            local:
              qwen-14b: { source: {{_folder}}/m.gguf, context: 16k, slots: 4, threads: 8, keep: 10m, memory: 9GiB, model: Qwen/Qwen3-14B, price: $0.600000001/hour }
            """).Settings!.Local.Single();
        var expected = new LocalModelSettings("qwen-14b", Path.Combine(_folder, "m.gguf"), 16_384, 4, 8)
        {
            Keep = TimeSpan.FromMinutes(10),
            Memory = 9L << 30,
            HubId = "Qwen/Qwen3-14B",
            HourlyPrice = new NanoDollars(600_000_001),
        };
        Assert.Equal(expected, local);
    }

    [Theory]
    [InlineData("", 300)]
    [InlineData(", keep: 0s", 0)]
    [InlineData(", keep: 90", 90)]
    [InlineData(", keep: forever", null)]
    public void A_model_is_kept_for_five_minutes_for_as_long_as_is_written_or_for_ever(string keep, int? seconds)
    {
        File.WriteAllText(Path.Combine(_folder, "m.gguf"), "");
        Assert.Equal(seconds, Load($"local: {{ m: {{ source: {_folder}/m.gguf{keep} }} }}").Settings!.Local.Single().Keep?.TotalSeconds);
    }

    [Fact]
    public void The_former_name_of_source_is_read_and_warned_about_with_its_line()
    {
        File.WriteAllText(Path.Combine(_folder, "m.gguf"), "");
        LoadedConfiguration loaded = Load($"local:\n  m: {{ path: {_folder}/m.gguf }}");
        Assert.Equal(Path.Combine(_folder, "m.gguf"), loaded.Settings!.Local.Single().Source);
        Assert.Equal("fairlead.yaml line 2: local.m.path is called source now. Rename it.", Assert.Single(loaded.Warnings));
    }

    [Theory]
    [InlineData("engine: llama-server, source: {folder}/m.gguf", "llama-server", "{folder}/m.gguf")]
    [InlineData("engine: vllm, source: Qwen/Qwen3-14B, memory: 9GiB", "vllm", "Qwen/Qwen3-14B")]
    [InlineData("engine: vllm, source: \"{folder}\", memory: 9GiB", "vllm", "{folder}")]
    [InlineData("engine: tei, source: intfloat/e5-small-v2, memory: 1GiB", "tei", "intfloat/e5-small-v2")]
    [InlineData("engine: ollama, source: \"qwen3:14b\", memory: 9GiB", "ollama", "qwen3:14b")]
    [InlineData("engine: llama-server, source: {folder}/m.gguf, command: [sh, -m, \"{source}\", --port, \"{port}\", \"--json={\\\"a\\\": {}}\"]", "llama-server", "{folder}/m.gguf")]
    [InlineData("source: anything, memory: 1GiB, command: [/bin/sh, \"{socket}\"]", null, "anything")]
    public void Another_engine_is_named_or_is_a_command_of_the_operators_own(string entry, string? engine, string source)
    {
        File.WriteAllText(Path.Combine(_folder, "m.gguf"), "");
        foreach (string program in (string[])["llama-server", "vllm", "text-embeddings-router", "ollama"])
            File.WriteAllText(Path.Combine(_folder, program), "");
        string[] programs = [.. Directory.GetFiles(_folder).Where(static f => !f.EndsWith(".yaml", StringComparison.Ordinal) && !f.EndsWith(".gguf", StringComparison.Ordinal))];
        Array.ForEach(programs, static p => File.SetUnixFileMode(p, UnixFileMode.UserRead | UnixFileMode.UserExecute));
        LoadedConfiguration loaded = Load($"local: {{ m: {{ {entry.Replace("{folder}", _folder, StringComparison.Ordinal)} }} }}", ("PATH", $"/no/such:{_folder}:/bin:/usr/bin"));
        Assert.Empty(loaded.Errors);
        LocalModelSettings local = loaded.Settings!.Local.Single();
        Assert.Equal((engine, source.Replace("{folder}", _folder, StringComparison.Ordinal)), (local.Engine, local.Source));
        Assert.Equal(entry.Contains("command", StringComparison.Ordinal), !local.Command.IsEmpty);
        Assert.Equal(engine == "tei" ? true : null, local.Embeddings);
    }

    [Fact]
    public void A_setting_that_a_command_does_not_pass_on_is_warned_about()
    {
        const string Yaml = "local:\n  m:\n    source: x\n    memory: 1GiB\n    threads: 2\n    command: [/bin/sh, \"{port}\"]";
        Assert.Equal("fairlead.yaml line 5: local.m.threads has no effect: command does not hold {threads}.", Assert.Single(Load(Yaml).Warnings));
        File.WriteAllText(Path.Combine(_folder, "vllm"), "");
        File.SetUnixFileMode(Path.Combine(_folder, "vllm"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.Contains(Load("local: { m: { engine: vllm, source: a/b, memory: 1GiB, threads: 2 } }", ("PATH", _folder)).Warnings, static w => w.EndsWith("local.m.threads has no effect: vllm is not told.", StringComparison.Ordinal));
        foreach (string setting in (string[])["quantize: q4_k", "kv: q8_0", "stall: 50ms", "draft: /no/such", "guesses: 3"])
        {
            string said = $"local.m.{setting.Split(':')[0]} has no effect: only Fairlead's own engine";
            Assert.Contains(Load($"local: {{ m: {{ engine: vllm, source: a/b, memory: 1GiB, {setting} }} }}", ("PATH", _folder)).Warnings, w => w.Contains(said, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_draft_is_a_model_beside_the_model_and_both_write()
    {
        string guide = Path.Combine(Checkout.Root, "models", "guide"), encoder = Path.Combine(Checkout.Root, "tests", "data", "goldens", "bert");
        string draft = Path.Combine(_folder, "draft.gguf");
        File.WriteAllText(draft, "");
        LocalModelSettings settings = Load($"local: {{ m: {{ source: \"{guide}\", draft: \"{draft}\", guesses: 12 }} }}").Settings!.Local.Single();
        Assert.Equal((draft, 12), (settings.Draft, settings.Guesses));
        settings = Load($"local: {{ m: {{ source: \"{guide}\", guesses: 0 }} }}").Settings!.Local.Single();
        Assert.Equal((null, 0), (settings.Draft, settings.Guesses));
        Assert.Null(Load($"local: {{ m: {{ source: \"{guide}\" }} }}").Settings!.Local.Single().Guesses);
        foreach ((string entry, string said) in ((string, string)[])
        [
            ($"source: \"{guide}\", draft: \"{guide}/../guide/\"", "local.m.draft is the model itself; a draft has to be smaller to save time."),
            ($"source: \"{guide}\", draft: \"{draft}\", guesses: 0", "local.m.draft has nothing to do: guesses is 0."),
            ($"source: \"{encoder}\", draft: \"{draft}\"", $"local.m.draft: {encoder} is an encoder, which writes no text that a draft could guess."),
            ($"source: \"{encoder}\", guesses: 3", $"local.m.guesses: {encoder} is an encoder, which writes no text that could be guessed ahead."),
            ($"source: \"{guide}\", draft: \"{encoder}\"", $"local.m.draft: {encoder} is an encoder, which writes no text."),
        ])
            Assert.StartsWith(said, Assert.Single(Load($"local: {{ m: {{ {entry} }} }}").Errors).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_all_models_together_may_take_is_a_size_or_a_share_of_the_machine()
    {
        FleetSettings none = Load("discover: false").Settings!.Fleet;
        Assert.Equal(new FleetSettings(), none);
        FleetSettings all = Load("fleet: { memory: 12GiB, queue: 64, queue_wait: 2m, load: 10m, wait_for_model: false }").Settings!.Fleet;
        Assert.Equal(new FleetSettings { Memory = 12L << 30, Queue = 64, QueueWait = TimeSpan.FromMinutes(2), Load = TimeSpan.FromMinutes(10), WaitForModel = false }, all);
        Assert.Equal(4_000, ConfigurationLoader.Load(Sources("fleet: { memory: 40% }", []) with { MachineMemory = static () => 10_000 }).Settings!.Fleet.Memory);
    }

    [Fact]
    public void A_key_may_have_another_word_than_the_fleet_on_whether_it_waits()
    {
        var keys = Load("keys: { a: { wait_for_model: false }, b: { wait_for_model: true }, c: {} }").Settings!.Keys;
        Assert.Equal([false, true, null], keys.Select(static k => k.Limits.WaitForModel));
    }

    [Fact]
    public void A_key_consents_to_successors_only_where_that_is_said()
    {
        var keys = Load("keys: { a: { successors: true }, b: { successors: false }, c: {} }").Settings!.Keys;
        Assert.Equal([true, false, false], keys.Select(static k => k.Limits.Successors));
    }

    [Fact]
    public void What_a_cache_keeps_for_an_hour_may_have_a_price_of_its_own()
    {
        const string Yaml = "providers: { together: { models: { a/b: { input: 1, output: 5, cached_input: 0.1, cache_write: 1.25, cache_write_hour: 2 } } } }";
        OfferPrice price = Load(Yaml).Settings!.Providers.Single(static p => p.Name == "together").Models.Single().Price!;
        Assert.Equal((1_250_000_000, 2_000_000_000), (price.CacheWrite!.Value.PerMillion.Value, price.CacheWriteHour!.Value.PerMillion.Value));
    }

    [Fact]
    public void The_environment_reaches_one_value_of_one_model_whatever_letters_a_variable_cannot_have()
    {
        File.WriteAllText(Path.Combine(_folder, "m.gguf"), "");
        string yaml = $"local: {{ Qwen3-0.6B: {{ source: {_folder}/m.gguf, slots: 4 }} }}";
        LocalModelSettings local = Load(yaml, ("FAIRLEAD__LOCAL__QWEN3_0_6B__KEEP", "forever"), ("FAIRLEAD__LOCAL__QWEN3_0_6B__CONTEXT", "8k")).Settings!.Local.Single();
        Assert.Equal(new LocalModelSettings("Qwen3-0.6B", Path.Combine(_folder, "m.gguf"), 8192, 4) { Keep = null }, local);
        LocalModelSettings fresh = Load("fleet: {}", ("FAIRLEAD__LOCAL__MINE__SOURCE", Path.Combine(_folder, "m.gguf")), ("FAIRLEAD__FLEET__QUEUE", "7")).Settings!.Local.Single();
        Assert.Equal("mine", fresh.Name);
        Assert.Equal(
            ["/bin/sh", "-c", "a, b", "{port}"],
            Load("discover: false", ("FAIRLEAD__LOCAL__M__SOURCE", "x"), ("FAIRLEAD__LOCAL__M__MEMORY", "1GiB"), ("FAIRLEAD__LOCAL__M__COMMAND", "[/bin/sh, -c, \"a, b\", '{port}']")).Settings!.Local.Single().Command);
    }

    [Fact]
    public void Two_readings_of_one_file_are_equal_so_that_a_reload_finds_nothing_changed()
    {
        const string Yaml = "local: { m: { source: x, memory: 1GiB, command: [/bin/sh, \"{port}\"] } }\nfleet: { memory: 1GiB }";
        GatewaySettings first = Load(Yaml).Settings!;
        Assert.Equal(first.Local.Single(), Load(Yaml).Settings!.Local.Single());
        Assert.Equal(first.Fleet, Load(Yaml).Settings!.Fleet);
        Assert.NotEqual(first.Local.Single(), Load(Yaml.Replace("port}", "port} ", StringComparison.Ordinal)).Settings!.Local.Single());
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
        var sources = Sources($"local: {{ {name}: {{ source: /no/such/folder, slots: 9 }} }}", []) with { Local = new RunRequest(name, folder, Threads: 2) };
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
