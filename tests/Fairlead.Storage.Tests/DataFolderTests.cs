using System.Text;
using Fairlead.Storage.Tests.Yard;

namespace Fairlead.Storage.Tests;

public sealed class DataFolderTests : IDisposable
{
    private const UnixFileMode Secret = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void A_new_folder_is_private_and_has_a_pepper_that_stays()
    {
        byte[] pepper;
        using (DataFolder folder = DataFolder.Open(_temp.In("a", "b"), TimeProvider.System))
        {
            Assert.Equal(Secret | UnixFileMode.UserExecute, File.GetUnixFileMode(folder.Path));
            Assert.Equal(Secret, File.GetUnixFileMode(folder.In("pepper")));
            Assert.Equal(Secret, File.GetUnixFileMode(folder.In("lock")));
            pepper = folder.Pepper.ToArray();
            Assert.Equal(32, pepper.Length);
        }
        using DataFolder again = DataFolder.Open(_temp.In("a", "b"), TimeProvider.System);
        Assert.Equal(pepper, again.Pepper.ToArray());
    }

    [Fact]
    public void A_second_opener_is_refused_and_told_who_has_it()
    {
        using DataFolder first = DataFolder.Open(_temp.In("data"), TimeProvider.System);
        var refused = Assert.Throws<DataFolderException>(() => DataFolder.Open(_temp.In("data"), TimeProvider.System));
        Assert.Contains($"in use by process {Environment.ProcessId}.", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pepper", "600")]
    [InlineData("keys/it's", "600")]
    [InlineData("keys", "700")]
    [InlineData(".", "700")]
    public void What_others_can_read_is_refused_with_the_command_that_mends_it(string name, string mode)
    {
        string path = _temp.In("data");
        using (DataFolder folder = DataFolder.Open(path, TimeProvider.System))
            folder.WriteSecretFile("keys/it's", "x");
        string open = name == "." ? path : Path.Combine(path, name);
        File.SetUnixFileMode(open, File.GetUnixFileMode(open) | UnixFileMode.GroupRead);
        var refused = Assert.Throws<DataFolderException>(() => DataFolder.Open(path, TimeProvider.System));
        Assert.EndsWith($"Run: chmod {mode} '{open.Replace("'", "'\\''", StringComparison.Ordinal)}'", refused.Message, StringComparison.Ordinal);
        File.SetUnixFileMode(open, File.GetUnixFileMode(open) & ~UnixFileMode.GroupRead);
        DataFolder.Open(path, TimeProvider.System).Dispose();
    }

    [Fact]
    public void A_secret_file_is_whole_private_and_inside()
    {
        using DataFolder folder = DataFolder.Open(_temp.In("data"), TimeProvider.System);
        folder.WriteSecretFile("first-key", "one");
        folder.WriteSecretFile("first-key", "two é");
        Assert.Equal("two é", File.ReadAllText(folder.In("first-key"), Encoding.UTF8));
        Assert.Equal(Secret, File.GetUnixFileMode(folder.In("first-key")));
        Assert.False(File.Exists(folder.In("first-key.new")));
        Assert.Throws<ArgumentException>(() => folder.WriteSecretFile("../outside", "x"));
        Assert.Throws<ArgumentException>(() => folder.WriteSecretFile("/tmp/outside", "x"));
    }

    [Fact]
    public void A_pepper_of_another_length_is_refused_and_left_alone()
    {
        using (DataFolder folder = DataFolder.Open(_temp.In("data"), TimeProvider.System))
            folder.WriteSecretFile("pepper", "short");
        Assert.Throws<DataFolderException>(() => DataFolder.Open(_temp.In("data"), TimeProvider.System));
        Assert.Equal("short", File.ReadAllText(_temp.In("data", "pepper")));
    }

    [Fact]
    public void A_link_in_the_locks_place_is_refused_and_what_it_points_to_untouched()
    {
        string victim = _temp.In("victim");
        File.WriteAllText(victim, "precious");
        Directory.CreateDirectory(_temp.In("data"), Secret | UnixFileMode.UserExecute);
        File.CreateSymbolicLink(_temp.In("data", "lock"), victim);
        Assert.Throws<IOException>(() => DataFolder.Open(_temp.In("data"), TimeProvider.System));
        Assert.Equal("precious", File.ReadAllText(victim));
    }

    [Fact]
    public void A_link_in_a_secrets_place_is_replaced_and_not_followed()
    {
        string victim = _temp.In("victim");
        File.WriteAllText(victim, "precious");
        using DataFolder folder = DataFolder.Open(_temp.In("data"), TimeProvider.System);
        File.CreateSymbolicLink(folder.In("first-key"), victim);
        File.CreateSymbolicLink(folder.In("first-key.new"), victim);
        folder.WriteSecretFile("first-key", "hf_FL");
        Assert.Equal("precious", File.ReadAllText(victim));
        Assert.Null(new FileInfo(folder.In("first-key")).LinkTarget);
    }

    [Fact]
    public void A_folder_outside_that_others_may_enter_is_refused()
    {
        string path = _temp.In("shared");
        Directory.CreateDirectory(path);
        File.SetUnixFileMode(path, (UnixFileMode)0b111_111_111);
        Assert.Throws<DataFolderException>(() => DataFolder.EnsurePrivate(path));
        Assert.Throws<DataFolderException>(() => DataFolder.CheckPrivate(path));
        DataFolder.EnsurePrivate(_temp.In("own"));
        DataFolder.CheckPrivate(_temp.In("own"));
        DataFolder.CheckPrivate(_temp.In("none"));
    }

    [Fact]
    public void What_is_created_after_opening_is_the_owners_alone()
    {
        using DataFolder folder = DataFolder.Open(_temp.In("data"), TimeProvider.System);
        File.WriteAllText(folder.In("any"), "x");
        Directory.CreateDirectory(folder.In("sub"));
        Assert.Equal((Secret, Secret | UnixFileMode.UserExecute), (File.GetUnixFileMode(folder.In("any")), File.GetUnixFileMode(folder.In("sub"))));
    }
}
