using Fairlead.Engine.Kernels;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;
using Microsoft.Win32.SafeHandles;

namespace Fairlead.Engine.Tests.Loading;

/// <summary>Writing packs: whole or not at all, and never a reason for anything to fail.</summary>
public sealed class PackWriterTests
{
    private static readonly (ElementType, int, int)[] s_threeChunks = [(ElementType.F32, 2500, 1024)];

    [Fact]
    public async Task A_write_that_fails_midway_leaves_nothing_and_says_so()
    {
        using var yard = new PackYard(s_threeChunks);
        yard.Store = yard.Store with { BeforeChunk = static chunk => { if (chunk == 1) throw new IOException("No space left on device"); } };
        using PackedWeights packed = yard.Load(yard.Plan());
        Assert.False(await packed.Keep());
        Assert.Empty(yard.Files);
        Assert.Equal($"The packed weights are not kept in {yard.Packs}: No space left on device. The next load packs them again", Assert.Single(yard.Lines));
    }

    [Fact]
    public async Task A_file_that_cannot_get_its_name_is_removed()
    {
        using var yard = new PackYard(s_threeChunks);
        Directory.CreateDirectory(yard.Pack().Path);
        using PackedWeights packed = yard.Load(yard.Plan());
        Assert.False(await packed.Keep());
        Assert.Empty(yard.Files);
        Assert.Single(yard.Lines);
    }

    [Fact]
    public async Task A_folder_that_is_not_there_costs_a_line()
    {
        using var yard = new PackYard(s_threeChunks);
        Directory.Delete(yard.Packs);
        using PackedWeights packed = yard.Load(yard.Plan());
        Assert.False(await packed.Keep());
        Assert.Contains("not kept", Assert.Single(yard.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_is_unloaded_meanwhile_ends_the_writing()
    {
        using var yard = new PackYard(s_threeChunks);
        using var reached = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        yard.Store = yard.Store with
        {
            BeforeChunk = chunk =>
            {
                if (chunk != 1)
                    return;
                reached.Set();
                goOn.Wait(TestContext.Current.CancellationToken);
            },
        };
        PackedWeights packed = yard.Load(yard.Plan());
        Task<bool> kept = packed.Keep();
        reached.Wait(TestContext.Current.CancellationToken);
        Assert.Single(yard.Files, static file => file.EndsWith(".new", StringComparison.Ordinal));
        Task unloading = Task.Run(packed.Dispose, TestContext.Current.CancellationToken); // waits for the writer, and the memory stays until then
        goOn.Set();
        await unloading;
        // Which of the two came first, the word to stop or the next chunk, is chance; that all of it was written or nothing is left is not.
        string[] left = await kept ? ["scalar-stored.pack"] : [];
        Assert.Equal(left, yard.Files);
    }

    [Fact]
    public async Task A_model_whose_file_has_changed_since_is_not_kept()
    {
        using var yard = new PackYard(s_threeChunks);
        yard.Store = yard.Store with { BeforeChunk = chunk => { if (chunk == 1) File.AppendAllText(yard.Source, "more"); } };
        using PackedWeights packed = yard.Load(yard.Plan());
        Assert.False(await packed.Keep());
        Assert.Empty(yard.Files);
        Assert.Contains("model.bin was made longer", Assert.Single(yard.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_than_is_wanted_is_not_kept()
    {
        using var yard = new PackYard(s_threeChunks);
        yard.Store = yard.Store with { MostBytes = 9 << 20 };
        using PackedWeights packed = yard.Load(yard.Plan());
        Assert.False(await packed.Keep());
        Assert.Empty(yard.Files);
        Assert.Contains("they take 9.8 MiB, and all packs together may take 9.0", Assert.Single(yard.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_who_write_at_once_both_succeed_and_one_pack_is_left()
    {
        using var yard = new PackYard(s_threeChunks);
        using var both = new Barrier(2);
        yard.Store = yard.Store with { BeforeChunk = _ => both.SignalAndWait(TestContext.Current.CancellationToken) };
        PackPlan plan = yard.Plan();
        using PackedWeights one = yard.Load(plan), other = yard.Load(plan);
        Task<bool> first = one.Keep(), second = other.Keep();
        bool[] kept = await Task.WhenAll(first, second);
        Assert.Equal([true, true], kept);
        Assert.Equal(["scalar-stored.pack"], yard.Files);
        Assert.True(yard.TryRead(plan, out _));
    }

    [Fact]
    public async Task None_is_cleared_away_by_another_while_it_gets_its_name()
    {
        using var yard = new PackYard((ElementType.F32, 16, 32));
        for (int round = 0; round < 300; round++)
        {
            using PackedWeights one = yard.Load(yard.Plan()), other = yard.Load(yard.Plan(KernelFamily.Avx2));
            bool[] kept = await Task.WhenAll(one.Keep(), other.Keep());
            Assert.True(kept is [true, true], string.Join('\n', yard.Lines));
            foreach (string file in yard.Files)
                File.Delete(Path.Combine(yard.Packs, file));
        }
    }

    [Fact]
    public async Task What_dead_writers_have_left_is_removed_and_what_a_living_one_writes_is_not()
    {
        using var yard = new PackYard(s_threeChunks);
        string dead = yard.Pack().Path + ".1-1.new", living = yard.Pack().Path + ".2-1.new";
        await File.WriteAllTextAsync(dead, "half a pack", TestContext.Current.CancellationToken);
        using (SafeFileHandle held = File.OpenHandle(living, FileMode.CreateNew, FileAccess.Write, FileShare.None))
        {
            using PackedWeights packed = yard.Load(yard.Plan());
            Assert.True(await packed.Keep());
            Assert.Equal(["scalar-stored.pack", "scalar-stored.pack.2-1.new"], yard.Files);
        }
    }
}
