using System.Buffers.Binary;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Loading;

/// <summary>A pack that is not, to the last bit, what this load would have packed is not used: it is removed, the log says why, and the model is packed from its own files.</summary>
public sealed class PackDamageTests
{
    private const int HeaderBytes = 4096;

    [Fact]
    public async Task A_flipped_bit_anywhere_in_a_header_is_seen()
    {
        using var yard = new PackYard((ElementType.Q8_0, 64, 64), (ElementType.F32, 64, 64));
        PackPlan plan = yard.Plan();
        byte[] good = await yard.KeepAsync(plan);
        Assert.Equal(HeaderBytes + plan.PackedBytes, good.Length);
        var random = new Random(1);
        for (int at = 0; at < HeaderBytes; at++)
            Refused(yard, plan, Flipped(good, at, random.Next(8)), $"byte {at}");
    }

    [Fact]
    public async Task A_flipped_bit_in_any_chunk_is_seen_wherever_it_is()
    {
        // three chunks, the last of a few bytes
        using var yard = new PackYard((ElementType.F32, 2048, 1024), (ElementType.Q8_0, 16, 64));
        PackPlan plan = yard.Plan();
        byte[] good = await yard.KeepAsync(plan);
        int chunks = (int)((plan.PackedBytes + PackHeader.ChunkBytes - 1) / PackHeader.ChunkBytes);
        Assert.Equal(3, chunks);
        var random = new Random(2);
        using var crew = new WorkCrew(2);
        for (int chunk = 0; chunk < chunks; chunk++)
        {
            long first = (long)chunk * PackHeader.ChunkBytes, end = Math.Min(first + PackHeader.ChunkBytes, plan.PackedBytes);
            foreach (long at in (long[])[first, end - 1, random.NextInt64(first, end)])
            {
                Refused(yard, plan, Flipped(good, (int)(HeaderBytes + at), random.Next(8)), $"byte {at}", chunk % 2 == 0 ? crew : null);
                Assert.Contains($"chunk {chunk} of 3", yard.Lines[^1], StringComparison.Ordinal);
            }
        }

        await File.WriteAllBytesAsync(yard.Pack(plan).Path, good, TestContext.Current.CancellationToken);
        Assert.True(yard.TryRead(plan, out byte[] bytes, crew));
        Assert.True(bytes.AsSpan().SequenceEqual(good.AsSpan(HeaderBytes)));
    }

    [Fact]
    public async Task A_file_that_ends_too_soon_or_too_late_is_refused_at_every_boundary()
    {
        using var yard = new PackYard((ElementType.F32, 1100, 1024));
        PackPlan plan = yard.Plan();
        byte[] good = await yard.KeepAsync(plan);
        int[] boundaries = [0, 8, 12, 16, 20, 24, 32, 40, 44, 48, 52, 56, HeaderBytes - 32, HeaderBytes, HeaderBytes + PackHeader.ChunkBytes, good.Length];
        foreach (int length in boundaries.SelectMany(static at => (int[])[at - 1, at, at + 1]).Where(length => length >= 0 && length != good.Length))
        {
            byte[] bytes = new byte[length];
            good.AsSpan(0, Math.Min(length, good.Length)).CopyTo(bytes);
            Refused(yard, plan, bytes, $"{length} bytes");
        }
    }

    [Fact]
    public async Task A_field_that_says_something_else_is_named_even_where_the_checksum_is_right()
    {
        using var yard = new PackYard((ElementType.F32, 64, 64));
        PackPlan plan = yard.Plan();
        byte[] good = await yard.KeepAsync(plan);
        (int At, string Why)[] fields =
        [
            (0, "no pack of weights"), (8, "version of the file format"), (12, "another version of this program"), (16, "other kernels"), (20, "quantised otherwise"),
            (24, "other matrices"), (32, "other matrices"), (40, "other matrices"), (44, "other matrices"), (48, "other matrices"), (52, "other matrices"), (57, "from other files"),
        ];
        foreach ((int at, string why) in fields)
        {
            byte[] other = Flipped(good, at, 0);
            BinaryPrimitives.WriteUInt32LittleEndian(other.AsSpan(HeaderBytes - Checksum.Step), Checksum.Of(other.AsSpan(0, HeaderBytes - Checksum.Step)));
            Refused(yard, plan, other, why);
            Assert.Contains(why, yard.Lines[^1], StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_pack_of_other_kernels_of_another_quantising_or_of_other_matrices_is_refused()
    {
        using var yard = new PackYard((ElementType.F32, 64, 64));
        PackPlan plan = yard.Plan();
        byte[] good = await yard.KeepAsync(plan);
        Refused(yard, yard.Plan(KernelFamily.Avx2), good, "kernels");
        Refused(yard, yard.Plan(quantize: ElementType.Q8_0), good, "quantising");
        using var other = new PackYard((ElementType.F32, 64, 32), (ElementType.F32, 64, 32));
        Refused(other, other.Plan(), good, "other sources");
    }

    [Theory]
    [InlineData("written to")]
    [InlineData("made longer")]
    [InlineData("replaced")]
    public async Task The_pack_of_another_state_of_the_model_is_refused(string change)
    {
        using var yard = new PackYard((ElementType.F32, 64, 64));
        PackPlan plan = yard.Plan();
        byte[] good = await yard.KeepAsync(plan);
        DateTime written = File.GetLastWriteTimeUtc(yard.Source);
        switch (change)
        {
            case "made longer":
                await File.AppendAllTextAsync(yard.Source, "more", TestContext.Current.CancellationToken);
                File.SetLastWriteTimeUtc(yard.Source, written);
                break;
            case "replaced":
                Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux tells files apart that look alike");
                File.Copy(yard.Source, yard.Source + ".copy");
                File.Move(yard.Source + ".copy", yard.Source, overwrite: true);
                File.SetLastWriteTimeUtc(yard.Source, written);
                break;
            default:
                File.SetLastWriteTimeUtc(yard.Source, written.AddTicks(10));
                break;
        }

        Refused(yard, plan, good, change);
        Assert.Contains("from other files than those that lie there now", yard.Lines[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("link")]
    [InlineData("pipe")]
    public async Task What_is_no_file_is_not_opened(string kind)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has neither");
        using var yard = new PackYard((ElementType.F32, 64, 64));
        PackPlan plan = yard.Plan();
        await yard.KeepAsync(plan);
        string path = yard.Pack(plan).Path, elsewhere = yard.Source + ".pack";
        File.Move(path, elsewhere);
        if (kind == "link")
            File.CreateSymbolicLink(path, elsewhere);
        else
            using (var made = System.Diagnostics.Process.Start("mkfifo", [path]))
                await made.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.False(yard.TryRead(plan, out _));
        Assert.Empty(yard.Files);
        Assert.True(File.Exists(elsewhere));
        Assert.Contains("no regular file", yard.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_a_damaged_pack_the_model_is_packed_as_before_the_pack_is_made_anew_and_progress_does_not_fall()
    {
        using var yard = new PackYard((ElementType.F32, 4096, 1024));
        PackPlan plan = yard.Plan();
        byte[] good = await yard.KeepAsync(plan);
        await File.WriteAllBytesAsync(yard.Pack(plan).Path, Flipped(good, good.Length - 1, 3), TestContext.Current.CancellationToken);
        var told = new List<double>();
        using PackedWeights packed = yard.Load(plan, meter: new LoadMeter(plan.LoadBytes, new Told(told)));
        Assert.False(packed.Report.IsRead);
        Assert.Equal(told.Order(), told);
        Assert.Equal(1, told[^1]);
        Assert.True(told.Count(static share => share == 1) == 1, string.Join(' ', told)); // said once, when it was so
        Assert.True(await packed.Keep());
        Assert.True((await File.ReadAllBytesAsync(yard.Pack(plan).Path, TestContext.Current.CancellationToken)).AsSpan().SequenceEqual(good));
    }

    private static byte[] Flipped(byte[] good, int at, int bit)
    {
        byte[] bytes = [.. good];
        bytes[at] ^= (byte)(1 << bit);
        return bytes;
    }

    /// <summary>Puts the bytes where the pack belongs; it must be refused with a line, and be gone.</summary>
    private static void Refused(PackYard yard, PackPlan plan, byte[] bytes, string what, WorkCrew? crew = null)
    {
        string path = yard.Pack(plan).Path;
        int lines = yard.Lines.Length;
        File.WriteAllBytes(path, bytes);
        Assert.False(yard.TryRead(plan, out _, crew), what);
        Assert.False(File.Exists(path), what);
        Assert.Equal(lines + 1, yard.Lines.Length);
        Assert.StartsWith($"The pack {path} was not used: it", yard.Lines[^1], StringComparison.Ordinal);
    }

    private sealed class Told(List<double> shares) : IProgress<double>
    {
        public void Report(double value) => shares.Add(value);
    }
}
