using System.CommandLine;
using Fairlead.Api;

namespace Fairlead.Verbs;

/// <summary>Serves a model folder or file: <c>serve</c> with one more entry under <c>local:</c>, which is loaded at once.</summary>
internal static class RunVerb
{
    public static Command Make()
    {
        var path = new Argument<string>("path") { Description = "A model folder as the Hub has it, or a .gguf file." };
        var name = new Option<string?>("--name") { Description = "Callers write local/NAME; the folder's or file's name by default." };
        var listen = new Option<string?>("--listen") { Description = "Address and port, as 127.0.0.1:8080." };
        var verb = new Verb(
            "run", "Load a model and serve it, in the foreground.",
            "fairlead run ~/models/qwen2.5-0.5b", "fairlead run llama-3.2-1b-q4_k_m.gguf --ctx 4096 --slots 2 --name llama")
        {
            path, name, LocalOptions.Context, LocalOptions.Slots, LocalOptions.Threads, listen,
        };
        verb.SetAction((parsed, cancellationToken) =>
        {
            string full = Path.GetFullPath(parsed.GetValue(path)!);
            var local = new RunRequest(
                parsed.GetValue(name) ?? NameOf(full), full, parsed.GetValue(LocalOptions.Context), parsed.GetValue(LocalOptions.Slots), parsed.GetValue(LocalOptions.Threads));
            return Serve.RunAsync(CommonOptions.Sources(parsed, parsed.GetValue(listen)) with { Local = local }, Console.Out, Console.Error, cancellationToken);
        });
        return verb;
    }

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
