using Fairlead.Fleet.Isolation;
using Fairlead.Fleet.Workers;

namespace Fairlead.Fleet.Tests.Workers;

/// <summary>Why a worker ended, as callers and operators read it.</summary>
public sealed class EpitaphTests
{
    private static readonly Sandbox Bounded = new(SandboxLevel.Rlimit, 612L << 20, []);

    [Theory]
    [InlineData(3, false, "bad header.", "the worker ended with code 3; its last line: bad header")]
    [InlineData(3, false, null, "the worker ended with code 3 without a word")]
    [InlineData(137, false, "loading", "the worker was ended by signal 9; its last line: loading")]
    [InlineData(137, true, "loading", "the worker was ended by the system for want of memory: limit 612 MiB; its last line: loading")]
    [InlineData(134, false, "Out of memory.", "the worker was ended by signal 6 (it may take 612 MiB of memory); its last line: Out of memory")]
    public void It_says_how_with_the_last_words(int exitCode, bool starved, string? lastLine, string told) =>
        Assert.Equal(told, Epitaph.Of(exitCode, starved, Bounded, lastLine));

    [Fact]
    public void A_limit_that_is_not_the_processes_own_is_not_blamed() =>
        Assert.DoesNotContain("may take", Epitaph.Of(1, false, Bounded with { Level = SandboxLevel.Cgroup }, "Out of memory"), StringComparison.Ordinal);

    [Fact]
    public void Of_long_last_words_the_beginning_is_told()
    {
        string told = Epitaph.Of(1, false, Bounded, new string('x', LogRing.MostLength));
        Assert.Equal(Epitaph.Most, told.Length);
        Assert.EndsWith("xx…", told, StringComparison.Ordinal);
    }
}
