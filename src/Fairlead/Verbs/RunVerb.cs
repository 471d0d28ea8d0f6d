using System.CommandLine;
using Fairlead.Api;
using Fairlead.Gateway.Settings;
using Fairlead.Worker;

namespace Fairlead.Verbs;

/// <summary>Serves a model folder or file: by the server that runs already, until that is stopped; otherwise <c>serve</c> with one more entry under
/// <c>local:</c>. Either way it is loaded at once, so that what is wrong with it is told now.</summary>
internal static class RunVerb
{
    public static Command Make()
    {
        var path = new Argument<string>("path") { Description = "A model folder as the Hub has it, or a .gguf file; or the name of a model that the running server has, to load it now." };
        var name = new Option<string?>("--name") { Description = "Callers write local/NAME; the folder's or file's name by default." };
        var keep = new Option<string?>("--keep") { Description = "How long it stays loaded after its last answer, as 10m, or forever; 5m by default." };
        var listen = new Option<string?>("--listen") { Description = "Address and port, as 127.0.0.1:8080, where no server runs yet." };
        var verb = new Verb(
            "run", "Load a model and serve it: by the server that runs already, or in the foreground.",
            "fairlead run ~/models/qwen2.5-0.5b", "fairlead run llama-3.2-1b-q4_k_m.gguf --ctx 4096 --slots 2 --keep 1h --name llama")
        {
            path, name, LocalOptions.Context, LocalOptions.Slots, LocalOptions.Threads, LocalOptions.Quantize, LocalOptions.Kv, LocalOptions.Stall, LocalOptions.Draft, LocalOptions.Guesses, keep, listen,
        };
        verb.SetAction(async (parsed, stop) =>
        {
            string full = Path.GetFullPath(parsed.GetValue(path)!);
            var request = new RunRequest(
                parsed.GetValue(name) ?? NameOf(full), full, parsed.GetValue(LocalOptions.Context), parsed.GetValue(LocalOptions.Slots), parsed.GetValue(LocalOptions.Threads), parsed.GetValue(keep),
                parsed.GetValue(LocalOptions.Quantize), parsed.GetValue(LocalOptions.Kv), parsed.GetValue(LocalOptions.Stall),
                parsed.GetValue(LocalOptions.Draft) is { } draft ? Path.GetFullPath(draft) : null, parsed.GetValue(LocalOptions.Guesses));
            if (!await CommonOptions.IsServedAsync(parsed, stop))
                return await Serve.RunAsync(CommonOptions.Sources(parsed, parsed.GetValue(listen)) with { Local = request }, Console.Out, Console.Error, stop);
            if (parsed.GetValue(listen) is not null)
                await Console.Error.WriteLineAsync("--listen has no effect: a server runs already, and serves the model.");
            if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable(KernelSwitch.Variable)))
                await Console.Error.WriteLineAsync($"{KernelSwitch.Variable} has no effect: a server runs already, and starts workers with its own environment.");
            // What is no path may be a name; whether it is one the server knows.
            string? known = Path.Exists(full) || request with { Name = "", Source = "" } != new RunRequest("", "") || parsed.GetValue(name) is not null ? null : parsed.GetValue(path);
            return await CommonOptions.WithServerAsync(parsed, client => LoadAsync(parsed, client, request, known, stop));
        });
        return verb;
    }

    private static async Task<int> LoadAsync(ParseResult parsed, FairleadClient client, RunRequest request, string? known, CancellationToken stop)
    {
        LocalModelView model = (await client.LocalAsync(stop)).Models.FirstOrDefault(m => known is not null && IsCalled(m, known)) ?? await client.RunAsync(request, stop);
        var bar = new LoadBar(Console.Error, Terminal.Redraws(Console.IsErrorRedirected));
        Task<LocalModelView> loading = client.LoadAsync(model.Name, stop);
        using (var timer = new PeriodicTimer(LoadBar.Every, TimeProvider.System))
        {
            while (!loading.IsCompleted)
            {
                if ((await client.LocalAsync(stop)).Models.FirstOrDefault(m => m.Name == model.Name) is { } now)
                    bar.Show(now);
                await Task.WhenAny(loading, timer.WaitForNextTickAsync(stop).AsTask());
            }
        }
        bar.Clear();
        model = await loading;
        if (parsed.GetValue(CommonOptions.Json))
        {
            Terminal.Json(model, ApiJson.Default.LocalModelView);
            return ExitCodes.Ok;
        }
        await Console.Out.WriteLineAsync(Terminal.Safe($"{model.Name} is ready{(model.MemoryBytes is { } bytes ? $", with {Quantities.Size(bytes)} of memory" : "")}."));
        await Console.Out.WriteLineAsync("Ask it:  " + Question(model, await client.StatusAsync(stop)));
        if (model.Temporary)
            await Console.Error.WriteLineAsync(Terminal.Safe($"It is served until the server stops. To keep it, write into fairlead.yaml:  local: {{ {request.Name}: {{ source: {request.Source} }} }}"));
        return ExitCodes.Ok;
    }

    private static bool IsCalled(LocalModelView model, string name) =>
        model.Name.Equals(name, StringComparison.OrdinalIgnoreCase) || model.Name[(model.Name.IndexOf('/', StringComparison.Ordinal) + 1)..].Equals(name, StringComparison.OrdinalIgnoreCase);

    private static string Question(LocalModelView model, ServerStatus status) => model.Kind == "embedding"
        ? $"curl {status.Listen}/v1/embeddings -H \"authorization: Bearer $(cat {status.Data}/first-key)\" -d '{{\"model\":\"{model.Name}\",\"input\":\"hello\"}}'"
        : $"fairlead ask \"hello\" -m {model.Name}";

    /// <summary>The last part of the path, without <c>.gguf</c>, in characters that a name may have.</summary>
    internal static string NameOf(string path)
    {
        string last = Path.GetFileName(path.TrimEnd('/'));
        if (last.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
            last = last[..^5];
        string name = new([.. last.Select(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? c : '-')]);
        name = name.TrimStart('.', '_', '-');
        return name.Length == 0 ? "model" : name[..Math.Min(name.Length, 64)];
    }
}
