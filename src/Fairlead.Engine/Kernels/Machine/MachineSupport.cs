using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Fairlead.Engine.Kernels.Machine;

/// <summary>What machine code of our own may use here. Asked once, of the processor and of the system.</summary>
internal static unsafe partial class MachineSupport
{
    private const long ArchPrctl = 158; // the system call's number on x86-64
    private const long RequestPermission = 0x1023; // ARCH_REQ_XCOMP_PERM, Linux 5.16
    private const long TileData = 18; // the state of the tile registers

    /// <summary>512-bit vectors with the dot product of bytes.</summary>
    public static bool HasVnni { get; } = IsLinuxOnX64 && Avx512BW.IsSupported && Avx512BW.VL.IsSupported && (X86Base.CpuId(7, 0).Ecx & (1 << 11)) != 0 && MayExecute();

    /// <summary>Tiles of bytes and of brain floats, which Linux gives to a process that asks.</summary>
    public static bool HasTiles { get; } = HasVnni && HasTileInstructions() && syscall(ArchPrctl, RequestPermission, TileData) == 0;

    private static bool IsLinuxOnX64 => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64 && X86Base.IsSupported;

    private static bool HasTileInstructions()
    {
        const int Brains = 1 << 22, Tiles = 1 << 24, Bytes = 1 << 25;
        return (X86Base.CpuId(7, 0).Edx & (Brains | Tiles | Bytes)) == (Brains | Tiles | Bytes);
    }

    private static bool MayExecute()
    {
        var nothing = new X64Assembler();
        nothing.Return();
        return CodeMemory.Place(nothing.Code) is not null;
    }

    [LibraryImport("libc")]
    private static partial long syscall(long number, long first, long second);
}
