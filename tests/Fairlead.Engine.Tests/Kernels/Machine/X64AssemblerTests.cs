using System.Diagnostics;
using Fairlead.Engine.Kernels.Machine;

namespace Fairlead.Engine.Tests.Kernels.Machine;

/// <summary>The bytes of every instruction, beside those of GNU <c>as</c>.</summary>
public sealed class X64AssemblerTests
{
    /// <summary>Lines of bytes and text: what GNU as 2.40 makes of <see cref="EncodingSamples"/>.</summary>
    private static readonly string s_file = Path.Combine(Goldens.Data, "machine", "encodings.txt");

    [Fact]
    public void Every_instruction_has_the_bytes_that_the_GNU_assembler_gives_it()
    {
        string[] lines = File.ReadAllLines(s_file);
        Assert.Equal(EncodingSamples.All.Select(sample => sample.Text), lines.Select(line => line.Split('\t')[1]));
        foreach ((EncodingSample sample, string line) in EncodingSamples.All.Zip(lines))
            Assert.Equal(line, $"{Convert.ToHexStringLower(Encode(sample))}\t{sample.Text}");
    }

    [Fact]
    public async Task The_GNU_assembler_on_this_machine_agrees_with_the_file()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/as") && File.Exists("/usr/bin/objcopy"), "as and objcopy (GNU binutils) are not on this machine");
        DirectoryInfo folder = Directory.CreateTempSubdirectory("fairlead-as-");
        try
        {
            string source = Path.Combine(folder.FullName, "a.s"), made = Path.Combine(folder.FullName, "a.o"), bytes = Path.Combine(folder.FullName, "a.bin");
            string[][] lines = [.. File.ReadAllLines(s_file).Select(line => line.Split('\t'))];
            await File.WriteAllLinesAsync(source, [".intel_syntax noprefix", .. lines.Select(line => line[1])], TestContext.Current.CancellationToken);
            await RunAsync("/usr/bin/as", source, "-o", made);
            await RunAsync("/usr/bin/objcopy", "-O", "binary", "-j", ".text", made, bytes);
            byte[] all = await File.ReadAllBytesAsync(bytes, TestContext.Current.CancellationToken);
            int at = 0;
            foreach (string[] line in lines)
            {
                int length = line[0].Length / 2;
                Assert.InRange(at + length, 0, all.Length);
                Assert.Equal($"{line[0]} {line[1]}", $"{Convert.ToHexStringLower(all, at, length)} {line[1]}");
                at += length;
            }

            Assert.Equal(at, all.Length);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static byte[] Encode(EncodingSample sample)
    {
        var code = new X64Assembler();
        sample.Write(code);
        return code.Code.ToArray();
    }

    private static async Task RunAsync(string tool, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
        string errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, errors);
    }
}
