using System.Globalization;
using System.Runtime.InteropServices;
using Fairlead.Engine.Kernels;

namespace Fairlead.Bench;

/// <summary>
/// Our engine beside llama.cpp and onnxruntime on the same weights with as many threads, in one run: both processes stay, and take turns round by round, so that
/// what the machine does to one it does to the other. bench/engine.sh builds and calls this; <see cref="EngineSettings"/> has what narrows it.
/// </summary>
internal sealed class EngineBench
{
    private readonly EngineSettings _settings = new();

    public async Task RunAsync()
    {
        Console.WriteLine($"{Processor()}, {Environment.ProcessorCount} cores; .NET {Environment.Version}; kernels: {KernelChoice.Family}; {RuntimeInformation.OSDescription}.");
        if (_settings.Only.Contains("compare"))
        {
            foreach (int threads in _settings.Threads)
                await new EngineComparison(_settings).RunAsync(threads);
        }

        if (_settings.Only.Contains("encoders"))
            await EncodersAsync();

        var growth = new EngineGrowth(_settings);
        if (_settings.Only.Contains("context"))
            await growth.RunAsync("context", _settings.Contexts, _settings.Contexts.Max() + 512, 1, static context => $"decode {context} 24");
        if (_settings.Only.Contains("slots"))
            await growth.RunAsync("number of answers at once", _settings.Slots, 512, _settings.Slots.Max(), static slots => $"batch {slots} 16");
        if (_settings.Only.Contains("size"))
            await growth.BySizeAsync();
    }

    private async Task EncodersAsync()
    {
        if (!EncoderComparison.IsInstalled)
        {
            Console.WriteLine();
            Console.WriteLine("onnxruntime is not installed in bench/peers: encoders are not compared.");
            return;
        }

        string random = Path.Combine(_settings.Cache, _settings.IsSmoke ? "bert-tiny" : "bert-base");
        if (!File.Exists(Path.Combine(random, "model.safetensors")))
            RandomEncoder.Write(random, _settings.Encoder);
        const string MiniLm = "../shared/fixtures/minilm"; // beside the checkout where the tests of the project run
        var comparison = new EncoderComparison(_settings.Cache, _settings.Rounds, _settings.IsSmoke);
        foreach (int threads in _settings.Threads)
        {
            await comparison.RunAsync(Path.GetFileName(random), random, threads, _settings.TextLength);
            if (Directory.Exists(MiniLm) && !_settings.IsSmoke)
                await comparison.RunAsync("minilm", MiniLm, threads, _settings.TextLength);
        }

        if (!Directory.Exists(MiniLm))
            Console.WriteLine("minilm is not on this machine: left out.");
    }

    private static string Processor()
    {
        const string File = "/proc/cpuinfo";
        string? line = System.IO.File.Exists(File) ? System.IO.File.ReadLines(File).FirstOrDefault(static line => line.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line is null ? RuntimeInformation.ProcessArchitecture.ToString() : line[(line.IndexOf(':', StringComparison.Ordinal) + 2)..].ToString(CultureInfo.InvariantCulture);
    }
}
