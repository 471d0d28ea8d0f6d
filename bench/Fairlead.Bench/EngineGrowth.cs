using System.Globalization;
using Fairlead.Engine.Tensors;

namespace Fairlead.Bench;

/// <summary>What a token costs, ours and llama.cpp's, as one thing grows: the context, the number of answers at once, the model.</summary>
internal sealed class EngineGrowth(EngineSettings settings)
{
    private const string WarmUp = "decode 16 24";

    private readonly int _threads = settings.Threads.Max();
    private readonly int _rounds = Math.Min(settings.Rounds, 2); // these are long, and a slope needs fewer

    /// <summary>Prints a table with a row for each of <paramref name="steps"/>.</summary>
    public async Task RunAsync(string what, int[] steps, int context, int slots, Func<int, string> line)
    {
        if (settings.Model(settings.Shape, ElementType.Q4_0) is not { } model)
            return;
        Head(what, $"{settings.Shape.Name}, Q4_0");
        using EngineProcess theirs = await EngineProcess.LlamaAsync(model, _threads, context, slots), ours = await EngineProcess.OursAsync(model, _threads, context, slots);
        foreach (EngineProcess engine in (EngineProcess[])[ours, theirs])
            await engine.WarmUpAsync(WarmUp, settings.IsSmoke);
        foreach (int step in steps)
            await RowAsync(step.ToString(CultureInfo.InvariantCulture), ours, theirs, line(step));
    }

    /// <summary>Prints a table with a row for each size of the model in two formats.</summary>
    public async Task BySizeAsync()
    {
        Head("model", "one answer");
        foreach (ElementType type in new[] { ElementType.Q4_0, ElementType.Q8_0 })
        {
            foreach (LlamaShape shape in settings.Sizes)
            {
                if (settings.Model(shape, type) is not { } model)
                    continue;
                using EngineProcess theirs = await EngineProcess.LlamaAsync(model, _threads, 1024, 1), ours = await EngineProcess.OursAsync(model, _threads, 1024, 1);
                foreach (EngineProcess engine in (EngineProcess[])[ours, theirs])
                    await engine.WarmUpAsync(WarmUp, settings.IsSmoke);
                await RowAsync(string.Create(CultureInfo.InvariantCulture, $"{shape.Parameters / 1e9:F2} B {type}"), ours, theirs, "decode 16 48");
            }
        }
    }

    private void Head(string what, string of)
    {
        Console.WriteLine();
        Console.WriteLine($"### Cost of a token as the {what} grows: {of}, {_threads} threads");
        Console.WriteLine();
        Console.WriteLine("Tokens a second and milliseconds of processor time per token.");
        Console.WriteLine();
        Console.WriteLine($"| {what} | Fairlead | llama.cpp | ratio | Fairlead, ms | llama.cpp, ms |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: |");
    }

    private async Task RowAsync(string step, EngineProcess ours, EngineProcess theirs, string line)
    {
        (EngineFigures mine, EngineFigures other) = await EngineFigures.TurnsAsync(ours, theirs, line, _rounds);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {step} | {mine.Tokens} | {other.Tokens} | **{mine.Speed / other.Speed:F2}** | {1000 / mine.SpeedPerCpu:F1} | {1000 / other.SpeedPerCpu:F1} |"));
    }
}
