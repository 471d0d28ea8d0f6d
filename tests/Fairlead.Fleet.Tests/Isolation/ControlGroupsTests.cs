using System.Globalization;
using Fairlead.Fleet.Isolation;
using Fairlead.Shared;

namespace Fairlead.Fleet.Tests.Isolation;

/// <summary>What is written where in a hierarchy of control groups, and when it is left alone: against folders that look like one, since the machines that these
/// tests run on have none with a memory controller. What a kernel makes of it is not shown here.</summary>
public sealed class ControlGroupsTests : IDisposable
{
    private const int Id = 4711;
    private readonly TempFolder _folder = new();

    private string Ours => _folder["mount/system.slice/fairlead.service"];

    private string Proc => _folder["proc"];

    public ControlGroupsTests()
    {
        Directory.CreateDirectory(Ours);
        Directory.CreateDirectory(Proc);
        File.WriteAllText(Path.Combine(Proc, "cgroup"), "12:cpuset:/elsewhere\n0::/system.slice/fairlead.service\n");
        File.WriteAllText(Path.Combine(Proc, "mountinfo"), $"24 30 0:22 / /proc rw - proc proc rw\n30 24 0:26 / {_folder["mount"]} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
        File.WriteAllText(Path.Combine(Ours, "cgroup.controllers"), "cpu io memory pids\n");
        File.WriteAllText(Path.Combine(Ours, "cgroup.procs"), $"{Id}\n");
    }

    [Fact]
    public void The_gateway_moves_into_a_leaf_before_it_hands_its_controllers_on()
    {
        (ControlGroups? groups, string why) = Open();
        Assert.True(groups is not null, why);
        Assert.Equal($"{Id}", Read(ControlGroups.Leaf, "cgroup.procs"));
        Assert.Equal("+memory +pids", File.ReadAllText(Path.Combine(Ours, "cgroup.subtree_control")));
    }

    [Fact]
    public void Each_worker_has_a_group_that_bounds_its_memory_its_swap_and_its_tasks()
    {
        ControlGroups groups = Open().Groups!;
        ControlGroup first = groups.Make();
        ControlGroup second = groups.Make();
        Assert.NotEqual(first.Folder, second.Folder);
        first.Add(815);
        Assert.Null(first.Limit(815));
        Assert.Null(first.Bound(815, 1L << 30));
        Assert.Equal(("815", "0", "1", "512"), (Read(first.Folder, "cgroup.procs"), Read(first.Folder, "memory.swap.max"), Read(first.Folder, "memory.oom.group"), Read(first.Folder, "pids.max")));
        Assert.Equal(((1L << 30) + ControlGroup.Headroom).ToString(CultureInfo.InvariantCulture), Read(first.Folder, "memory.max"));
        Assert.Equal((1L << 30) + ControlGroup.Headroom, first.Limit(815));
    }

    [Theory]
    [InlineData("oom 3\noom_kill 1\n", true)]
    [InlineData("oom 3\noom_kill 0\n", false)]
    [InlineData("", false)]
    public void Whether_the_system_ended_it_for_want_of_memory_is_read_before_the_group_is_removed(string events, bool starved)
    {
        ControlGroup group = Open().Groups!.Make();
        File.WriteAllText(Path.Combine(group.Folder, "memory.events"), events);
        group.Release();
        Assert.Equal(starved, group.WasStarved);
        Assert.False(Directory.Exists(group.Folder));
    }

    [Fact]
    public void A_kill_reaches_all_of_the_group()
    {
        ControlGroup group = Open().Groups!.Make();
        group.Kill();
        Assert.Equal("1", Read(group.Folder, "cgroup.kill"));
    }

    [Fact]
    public void What_a_gateway_that_was_killed_left_behind_is_removed_by_the_next()
    {
        string left = Directory.CreateDirectory(Path.Combine(Ours, "fairlead-worker-7")).FullName;
        Assert.NotNull(Open().Groups);
        Assert.False(Directory.Exists(left));
    }

    [Fact]
    public void A_group_in_which_others_live_is_left_alone()
    {
        File.AppendAllText(Path.Combine(Ours, "cgroup.procs"), "1\n2\n");
        LeftAlone("2 other processes live in our control group, and are not ours to move");
    }

    [Fact]
    public void A_group_without_the_memory_controller_is_left_alone()
    {
        File.WriteAllText(Path.Combine(Ours, "cgroup.controllers"), "hugetlb\n");
        LeftAlone("the memory controller is not in our cgroup v2 hierarchy");
    }

    [Fact]
    public void A_group_that_nobody_gave_us_is_left_alone() => LeftAlone("our control group was not given to us (systemd: Delegate=yes)", delegated: false);

    [Fact]
    public void Without_the_second_version_there_is_none()
    {
        File.WriteAllText(Path.Combine(Proc, "cgroup"), "9:name=systemd:/\n4:memory:/x\n");
        LeftAlone("there is no cgroup v2 hierarchy");
    }

    [Fact]
    public void A_hierarchy_that_can_only_be_read_is_left_alone()
    {
        File.WriteAllText(Path.Combine(Ours, ControlGroups.Leaf), "a file where the folder should be: nothing can be made here"); // the tests may run as the superuser, who can write everywhere
        (ControlGroups? groups, string why) = Open();
        Assert.Null(groups);
        Assert.NotEmpty(why);
        Assert.False(File.Exists(Path.Combine(Ours, "cgroup.subtree_control")));
    }

    [Fact]
    public void A_container_sees_its_own_group_as_the_root()
    {
        File.WriteAllText(Path.Combine(Proc, "cgroup"), "0::/\n");
        File.WriteAllText(Path.Combine(Proc, "mountinfo"), $"30 24 0:26 /docker/abc {_folder["mount"]} rw - cgroup2 cgroup rw\n30 24 0:26 / {Ours} rw - cgroup2 cgroup rw\n");
        Assert.NotNull(Open().Groups);
        Assert.Equal("+memory +pids", File.ReadAllText(Path.Combine(Ours, "cgroup.subtree_control")));
    }

    public void Dispose() => _folder.Dispose();

    private (ControlGroups? Groups, string Why) Open(bool delegated = true) =>
        ControlGroups.Open(Proc, Id, 1000, (folder, _) => delegated && folder == Ours, static folder => Directory.Delete(folder, recursive: true));

    private void LeftAlone(string why, bool delegated = true)
    {
        (ControlGroups? groups, string told) = Open(delegated);
        Assert.Null(groups);
        Assert.Equal(why, told);
        Assert.Empty(Directory.GetDirectories(Ours));
        Assert.False(File.Exists(Path.Combine(Ours, "cgroup.subtree_control")));
    }

    private string Read(string folder, string file) => File.ReadAllText(Path.Combine(Ours, folder, file));
}
