using System.Collections.Immutable;
using System.Globalization;
using Fairlead.Fleet.Packs;

namespace Fairlead.Fleet.Workers;

/// <summary>How a worker is started: the program and what stands before the options of the one worker.</summary>
/// <param name="Program">Absolute path.</param>
/// <param name="Arguments">An array, never a line for a shell: nothing in a path or name can become an argument of its own.</param>
public sealed record WorkerCommand(string Program, ImmutableArray<string> Arguments)
{
    /// <summary>True for this very program: then it is known what a worker writes to and whom it calls, and it can be kept from everything else.</summary>
    public bool Confined { get; init; }

    /// <summary>This very program with the verb <c>worker</c>: gateway and worker are one binary, so they are always of one version.</summary>
    /// <exception cref="InvalidOperationException">The system does not tell where this program lies.</exception>
    public static WorkerCommand OfThisProgram()
    {
        string program = Environment.ProcessPath ?? throw new InvalidOperationException("The system does not tell where this program lies.");
        // Run as `dotnet fairlead.dll`, the program is the host and its first argument names ours.
        ImmutableArray<string> arguments = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [Path.Combine(AppContext.BaseDirectory, "fairlead.dll"), "worker"] : ["worker"];
        return new WorkerCommand(program, arguments) { Confined = true };
    }

    /// <summary>The whole command line of one worker of our own, the program left out.</summary>
    internal ImmutableArray<string> LineFor(WorkerSpec spec, string socket, PackPlace? packs)
    {
        ImmutableArray<string>.Builder line = Arguments.ToBuilder();
        line.AddRange("--model", spec.Source, "--socket", socket, "--name", spec.Model);
        Add("--ctx", spec.Context);
        Add("--slots", spec.Slots);
        Add("--threads", spec.Threads);
        if (spec.Quantize is { } type)
            line.AddRange("--quantize", type);
        if (spec.Kv is { } kv)
            line.AddRange("--kv", kv);
        if (spec.Stall is { } stall)
            line.AddRange("--stall", stall.TotalMilliseconds.ToString("0.####", CultureInfo.InvariantCulture) + "ms");
        if (spec.Draft is { } draft)
            line.AddRange("--draft", draft);
        Add("--guesses", spec.Guesses);
        if (packs is not null)
            line.AddRange("--packs", packs.Folder, "--packs-limit", packs.MostBytes.ToString(CultureInfo.InvariantCulture));
        return line.ToImmutable();

        void Add(string option, int? value)
        {
            if (value is { } number)
                line.AddRange(option, number.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>The command line under which an engine is started: our own program waits to be let load, and then becomes it.</summary>
    /// <param name="engine">Its program, an absolute path, and its arguments.</param>
    internal ImmutableArray<string> LineFor(ImmutableArray<string> engine) => [.. Arguments, "exec", "--", .. engine];
}
