using System.Diagnostics;
using System.Globalization;
using Fairlead.Engine.Tensors;

namespace Fairlead.Bench;

/// <summary>What it costs to share out work that takes no time: with nothing between two pieces, and with what the caller does alone between two kernels of a step.</summary>
internal static class CrewBench
{
    private const int Pieces = 20_000;
    private const int Rounds = 15;

    public static void Run(int threads)
    {
        using var crew = new WorkCrew(threads);
        foreach ((string name, int parts, int pause) in new[] { ("a part a thread", threads, 0), ("eight parts a thread", threads * 8, 0), ("eight parts a thread, 5 µs between", threads * 8, 5) })
        {
            var rounds = new List<double>();
            for (int round = 0; round < Rounds; round++)
            {
                long inside = 0;
                for (int piece = 0; piece < Pieces / (pause + 1); piece++)
                {
                    long until = Stopwatch.GetTimestamp() + (pause * Stopwatch.Frequency / 1_000_000);
                    while (Stopwatch.GetTimestamp() < until)
                    {
                    }

                    long began = Stopwatch.GetTimestamp();
                    crew.Run(parts, default(Nothing));
                    inside += Stopwatch.GetTimestamp() - began;
                }

                rounds.Add((double)inside / Stopwatch.Frequency * 1e9 / (Pieces / (pause + 1)));
            }

            rounds.Sort();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {rounds[0]:0} ns at best, {rounds[Rounds / 2]:0} ns median of {Rounds} rounds"));
        }
    }

    private readonly struct Nothing : IWork
    {
        public void Do(int part)
        {
        }
    }
}
