using System.Collections.Immutable;
using Fairlead.Shared;

namespace Fairlead.Fleet.Tests;

/// <summary>How much memory there is: the machine's, or less.</summary>
public sealed class MachineMemoryTests : IDisposable
{
    private readonly TempFolder _root = new();

    [Fact]
    public void This_machine_has_memory_and_some_of_it_is_free()
    {
        Assert.InRange(MachineMemory.Total, 256L << 20, 1L << 50);
        Assert.InRange(MachineMemory.Available, 1, MachineMemory.Total);
    }

    [Fact]
    public void Every_group_up_to_the_root_bounds_those_inside_it()
    {
        Group("a/b", "memory.max", "max", "memory.current", "1000", "memory.stat", "anon 1\n");
        Group("a", "memory.max", "5000", "memory.current", "3000", "memory.stat", "anon 1\ninactive_file 500\nactive_file 7\n");
        ImmutableArray<MemoryGroup> groups = MemoryGroup.Of("0::/a/b\n", _root.Path);
        Assert.Equal([null, 5000L], groups.Select(static group => group.Limit));
        Assert.Equal([null, 2500L], groups.Select(static group => group.Left));
    }

    [Fact]
    public void The_older_hierarchy_is_read_by_its_own_names_and_its_way_to_say_unlimited()
    {
        Group("memory/a", "memory.limit_in_bytes", "5000\n", "memory.usage_in_bytes", "1000\n", "memory.stat", "inactive_file 1\ntotal_inactive_file 300\n");
        Group("memory", "memory.limit_in_bytes", "9223372036854771712\n", "memory.usage_in_bytes", "9000\n", "memory.stat", "");
        ImmutableArray<MemoryGroup> groups = MemoryGroup.Of("9:name=systemd:/x\n4:cpu,memory:/a\n0::/\n", _root.Path);
        Assert.Equal([5000L, null], groups.Select(static group => group.Limit));
        Assert.Equal([4300L, null], groups.Select(static group => group.Left));
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("0::/gone\n")]
    public void What_cannot_be_seen_bounds_nothing(string membership) => Assert.Empty(MemoryGroup.Of(membership, _root.Path));

    public void Dispose() => _root.Dispose();

    private void Group(string path, params string[] files)
    {
        string folder = Directory.CreateDirectory(_root[path]).FullName;
        for (int i = 0; i < files.Length; i += 2)
            File.WriteAllText(Path.Combine(folder, files[i]), files[i + 1]);
    }
}
