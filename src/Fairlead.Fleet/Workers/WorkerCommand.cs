using System.Collections.Immutable;
using System.Globalization;

namespace Fairlead.Fleet.Workers;

/// <summary>How a worker is started: the program and what stands before the options of the one worker.</summary>
/// <param name="Program">Absolute path.</param>
/// <param name="Arguments">An array, never a line for a shell: nothing in a path or name can become an argument of its own.</param>
public sealed record WorkerCommand(string Program, ImmutableArray<string> Arguments)
{
    /// <summary>This very program with the verb <c>worker</c>: gateway and worker are one binary, so they are always of one version.</summary>
    /// <exception cref="InvalidOperationException">The system does not tell where this program lies.</exception>
    public static WorkerCommand OfThisProgram()
    {
        string program = Environment.ProcessPath ?? throw new InvalidOperationException("The system does not tell where this program lies.");
        // Run as `dotnet fairlead.dll`, the program is the host and its first argument names ours.
        return System.IO.Path.GetFileNameWithoutExtension(program) == "dotnet"
            ? new WorkerCommand(program, [System.IO.Path.Combine(AppContext.BaseDirectory, "fairlead.dll"), "worker"])
            : new WorkerCommand(program, ["worker"]);
    }

    /// <summary>The whole command line of one worker, the program left out.</summary>
    internal IEnumerable<string> LineFor(WorkerSpec spec, string socket)
    {
        List<string> line = [.. Arguments, "--model", spec.Path, "--socket", socket, "--name", spec.Model];
        Add("--ctx", spec.Context);
        Add("--slots", spec.Slots);
        Add("--threads", spec.Threads);
        return line;

        void Add(string option, int? value)
        {
            if (value is { } number)
                line.AddRange([option, number.ToString(CultureInfo.InvariantCulture)]);
        }
    }
}
