using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using Fairlead.Fleet.Isolation;
using Fairlead.Fleet.Packs;

namespace Fairlead.Fleet.Workers;

/// <summary>How one worker's process is started: its command line, its streams, and all of its environment.</summary>
internal static class WorkerStart
{
    /// <summary>What a worker gets of our environment: what a program needs to run, and nothing that could be a secret.</summary>
    private static readonly string[] Inherited = ["PATH", "HOME", "TMPDIR", "LANG", "DOTNET_ROOT", "DOTNET_ROOT_X64", "DOTNET_ROOT_ARM64", "FAIRLEAD_KERNELS"];

    /// <summary>What another's engine gets beside that: where its libraries, its devices and its models are.</summary>
    private static readonly string[] InheritedByEngines =
        ["LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "XDG_CACHE_HOME", "OLLAMA_MODELS"];

    /// <summary>Why nothing is to be started for it: what it is to be given could be mistaken for something else. Null: it may be.</summary>
    public static string? Refuse(WorkerSpec spec) => spec.Engine is { } engine ? engine.Refuse(spec) : EscapeRules.RefuseName(spec.Model) ?? EscapeRules.RefuseSource(spec.Source);

    /// <param name="own">Our own worker program, which stands in for another's engine until that is let load.</param>
    /// <param name="spec">One that <see cref="Refuse"/> has nothing against.</param>
    /// <param name="socket">Path of its socket.</param>
    /// <param name="packs">Where one of our own may keep the packed form of its weights; null: nowhere.</param>
    /// <param name="port">Its loopback port; 0: it has none.</param>
    /// <exception cref="WorkerFailedException">There is no such engine.</exception>
    public static ProcessStartInfo For(WorkerCommand own, WorkerSpec spec, string socket, PackPlace? packs, int port)
    {
        ImmutableArray<string> line = own.LineFor(spec, socket, packs);
        if (spec.Engine is { } engine)
        {
            ImmutableArray<string> command = engine.LineFor(spec, socket, port);
            line = own.LineFor(command.SetItem(0, ProgramPath.Find(command[0])));
        }
        var start = new ProcessStartInfo(own.Program, line)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        start.Environment[ChildConduct.ParentVariable] = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        start.Environment["DOTNET_EnableDiagnostics"] = "0"; // the runtime's door for debuggers: a socket in the temporary folder, and a way into the process
        foreach (string name in spec.Engine is null ? Inherited : [.. Inherited, .. InheritedByEngines])
        {
            if (Environment.GetEnvironmentVariable(name) is { } value)
                start.Environment[name] = value;
        }
        foreach ((string name, string value) in spec.Engine?.EnvironmentFor(spec, socket, port) ?? [])
            start.Environment[name] = value;
        return start;
    }
}
