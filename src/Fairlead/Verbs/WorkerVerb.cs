using System.CommandLine;
using Fairlead.Gateway.Settings;
using Fairlead.Storage;
using Fairlead.Worker;

namespace Fairlead.Verbs;

/// <summary>One loaded model behind a socket. The gateway starts it; a person may, to look at a model without a gateway.</summary>
/// <remarks>Its other form, <c>worker exec -- PROGRAM ARGUMENTS…</c>, is for the gateway alone: the process waits to be let load and becomes another's engine
/// (<see cref="Fleet.Isolation.EngineStandIn"/>). It is read before any parser, as no argument of an engine is ours to interpret.</remarks>
internal static class WorkerVerb
{
    public static Command Make()
    {
        var model = new Option<string>("--model") { Description = "A model folder or a .gguf file.", Required = true };
        var socket = new Option<string>("--socket") { Description = "Path of the Unix socket to answer on.", Required = true };
        var name = new Option<string?>("--name") { Description = "The model as answers call it; the file's name by default." };
        var packs = new Option<string?>("--packs") { Description = "Folder, for this model alone, in which packed weights are kept between loads; they are not kept by default." };
        var packsLimit = new Option<long?>("--packs-limit") { Description = "More bytes than these are not kept there." };
        var verb = new Verb(
            "worker", "Hold one model and answer OpenAI's dialect on a Unix socket. The gateway starts workers by itself.",
            "fairlead worker --model ~/models/qwen2.5-0.5b --socket ~/.fairlead-workers/qwen.sock",
            "fairlead worker --model llama-3.2-1b-q4_k_m.gguf --socket ~/.fairlead-workers/llama.sock --ctx 4096 --threads 2")
        {
            model, socket, name, LocalOptions.Context, LocalOptions.Slots, LocalOptions.Threads, LocalOptions.Quantize, LocalOptions.Kv, LocalOptions.Stall, LocalOptions.Draft, LocalOptions.Guesses, packs, packsLimit,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            string path = Path.GetFullPath(parsed.GetValue(model)!);
            string at = Path.GetFullPath(parsed.GetValue(socket)!);
            string? kept = parsed.GetValue(packs) is { } folder ? Path.GetFullPath(folder) : null;
            try
            {
                // Whoever can reach the socket can use the model: its folder must be ours alone.
                DataFolder.EnsurePrivate(Path.GetDirectoryName(at)!);
            }
            catch (Exception e) when (e is DataFolderException or IOException or UnauthorizedAccessException)
            {
                await Console.Error.WriteLineAsync(Terminal.Safe(e.Message));
                return ExitCodes.Configuration;
            }
            try
            {
                // Whoever can write a pack decides what the model answers.
                if (kept is not null)
                    DataFolder.EnsurePrivate(kept);
            }
            catch (Exception e) when (e is DataFolderException or IOException or UnauthorizedAccessException)
            {
                await Console.Error.WriteLineAsync(Terminal.Safe($"The packed weights are not kept: {e.Message}"));
                kept = null; // a cache: the model is loaded without
            }
            if (KernelSwitch.Follow(Environment.GetEnvironmentVariable(KernelSwitch.Variable)) is { } unknown)
            {
                await Console.Error.WriteLineAsync(Terminal.Safe(unknown));
                return ExitCodes.Configuration;
            }
            using var signals = new StopSignals();
            var options = new WorkerOptions
            {
                Path = path,
                Socket = at,
                Model = parsed.GetValue(name) ?? Path.GetFileNameWithoutExtension(path.TrimEnd('/')),
                Context = parsed.GetValue(LocalOptions.Context),
                Slots = parsed.GetValue(LocalOptions.Slots),
                Threads = parsed.GetValue(LocalOptions.Threads),
                Quantize = parsed.GetValue(LocalOptions.Quantize),
                Kv = parsed.GetValue(LocalOptions.Kv),
                Stall = parsed.GetValue(LocalOptions.Stall) is { } text && Quantities.TryDuration(text, out TimeSpan stall) ? stall : null,
                Draft = parsed.GetValue(LocalOptions.Draft) is { } draft ? Path.GetFullPath(draft) : null,
                Guesses = parsed.GetValue(LocalOptions.Guesses),
                Packs = kept,
                PacksLimit = parsed.GetValue(packsLimit) ?? long.MaxValue,
            };
            bool started = await WorkerServer.RunAsync(
                options, Console.IsInputRedirected ? Console.In : null, Console.Out, Console.Error, TimeProvider.System, signals.First, cancellationToken);
            return started ? ExitCodes.Ok : ExitCodes.Failed;
        });
        return verb;
    }
}
