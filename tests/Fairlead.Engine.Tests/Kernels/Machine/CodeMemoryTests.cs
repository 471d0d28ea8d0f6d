using System.Globalization;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Machine;

namespace Fairlead.Engine.Tests.Kernels.Machine;

/// <summary>Machine code of our own: it runs, nobody can change it any more, and it is used where the processor has its instructions.</summary>
public sealed unsafe class CodeMemoryTests
{
    [Fact]
    public void Code_that_was_placed_runs_and_is_no_longer_writable()
    {
        SkipUnlessAllowed();
        var code = new X64Assembler();
        code.Set(Register.Rax, 40);
        code.Add(Register.Rax, Register.Rdi);
        code.Return();
        void* placed = CodeMemory.Place(code.Code);
        Assert.Equal(42, ((delegate* unmanaged<long, long>)placed)(2));
        Assert.Equal("r-xp", Permissions((ulong)placed));
    }

    [Fact]
    public void A_loop_goes_back_and_a_jump_skips_what_it_should()
    {
        SkipUnlessAllowed();

        // rax = 3 · rdi, and for 0 by the jump, since the loop would count down from there.
        var code = new X64Assembler();
        code.Set(Register.Rax, 0);
        code.Test(Register.Rdi);
        int none = code.JumpIfZero();
        int again = code.Here;
        code.Add(Register.Rax, 3);
        code.Decrement(Register.Rdi);
        code.JumpIfNotZero(again);
        code.Land(none);
        code.Return();
        var times = (delegate* unmanaged<long, long>)CodeMemory.Place(code.Code);
        Assert.Equal(0, times(0));
        Assert.Equal(3, times(1));
        Assert.Equal(300, times(100));
    }

    [Fact]
    public void A_family_of_machine_code_is_there_only_where_the_processor_names_its_instructions()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux has /proc/cpuinfo");
        string[] flags = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal))?.Split(' ') ?? [];
        AssertNamed(KernelFamily.Avx512, "avx512f", "avx512bw", "avx512vl", "avx512_vnni");
        AssertNamed(KernelFamily.Amx, "avx512_vnni", "amx_tile", "amx_int8", "amx_bf16");

        void AssertNamed(KernelFamily family, params string[] names)
        {
            if (KernelChoice.Available.Contains(family))
                Assert.All(names, name => Assert.Contains(name, flags));
        }
    }

    private static void SkipUnlessAllowed() => Assert.SkipUnless(MachineSupport.HasVnni, "no machine code of ours runs on this machine");

    /// <summary>What a page may be used for, as the system tells it.</summary>
    private static string Permissions(ulong address)
    {
        foreach (string line in File.ReadLines("/proc/self/maps"))
        {
            string[] parts = line.Split(' ', '-');
            if (address >= ulong.Parse(parts[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture) && address < ulong.Parse(parts[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture))
                return line.Split(' ')[1];
        }

        return "not mapped";
    }
}
