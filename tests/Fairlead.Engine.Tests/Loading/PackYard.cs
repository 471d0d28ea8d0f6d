using System.Collections.Concurrent;
using System.Collections.Immutable;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Layers;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;
using Fairlead.Engine.Tests.Formats;
using Fairlead.Engine.Tests.Kernels;

namespace Fairlead.Engine.Tests.Loading;

/// <summary>Matrices of random weights that pretend to come from a file, and a folder for their pack.</summary>
internal sealed class PackYard : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<RandomWeights> _weights = [];
    private readonly ConcurrentQueue<string> _lines = [];
    private readonly WeightTally _tally = new();
    private readonly IWeights _nowhere = new Nothing();

    /// <param name="matrices">Type, outputs and inputs of each.</param>
    public PackYard(params ReadOnlySpan<(ElementType Type, int Outputs, int Inputs)> matrices)
    {
        foreach ((ElementType type, int outputs, int inputs) in matrices)
        {
            var weights = new RandomWeights(type, outputs, inputs, seed: 100 + _weights.Count);
            _tally.Linear(new LinearWeights(weights.View with { Name = $"matrix.{_weights.Count}" }, null));
            _weights.Add(weights);
        }

        Directory.CreateDirectory(Packs);
        _folder.Write("model.bin", "what the matrices were read from");
        Store = new PackStore(Packs, _lines.Enqueue) { LeastBytes = 1 };
    }

    public string Packs => _folder["packs"];

    public string Source => _folder["model.bin"];

    public PackStore Store { get; set; }

    public string[] Lines => [.. _lines];

    public string[] Files => [.. Directory.GetFiles(Packs).Select(static file => Path.GetFileName(file)!).Order()];

    public ImmutableArray<FileStamp> Stamps => [FileStamp.Take("model.bin", Source)];

    public PackPlan Plan(KernelFamily family = KernelFamily.Scalar, ElementType? quantize = null) => PackPlan.Make("model.bin", _tally, family, quantize);

    public PackFile Pack(PackPlan? plan = null) => PackFile.Of(plan ?? Plan(), Stamps, Store)!;

    public PackedWeights Load(PackPlan plan, WorkCrew? crew = null, LoadMeter? meter = null) => PackedWeights.Load(plan, 16, _nowhere, crew, meter, PackFile.Of(plan, Stamps, Store));

    /// <summary>Packs and keeps; the bytes of the file.</summary>
    public async Task<byte[]> KeepAsync(PackPlan? plan = null)
    {
        plan ??= Plan();
        using PackedWeights packed = Load(plan);
        Assert.False(packed.Report.IsRead);
        Assert.True(await packed.Keep());
        return await File.ReadAllBytesAsync(Pack(plan).Path, TestContext.Current.CancellationToken);
    }

    /// <summary>Reads the pack; false where it was refused.</summary>
    public bool TryRead(PackPlan plan, out byte[] bytes, WorkCrew? crew = null, LoadMeter? meter = null)
    {
        using var to = new NativeBuffer<byte>(plan.PackedBytes);
        bool isRead = Pack(plan).TryRead(to, crew, meter);
        bytes = to.Slice(0, (int)to.Length).ToArray();
        return isRead;
    }

    public void Dispose()
    {
        foreach (RandomWeights weights in _weights)
            weights.Dispose();
        _folder.Dispose();
    }

    private sealed class Nothing : IWeights
    {
        public IReadOnlyCollection<string> Names => [];

        public bool TryGet(string name, out TensorView tensor)
        {
            tensor = default;
            return false;
        }

        public void Dispose()
        {
        }
    }
}
