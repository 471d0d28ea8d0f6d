using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Fairlead.Tests.Process;

/// <summary>Whatever keeps a server from starting is said in one line, with the fix, and an exit code that a script can tell apart.</summary>
public sealed class StartFailureTests : IAsyncLifetime
{
    private readonly FairleadProcess _fairlead = new("");

    [Fact]
    public async Task A_port_in_use_is_named_with_its_holder_and_a_free_one()
    {
        using var holder = new TcpListener(IPAddress.Loopback, _fairlead.Port);
        holder.Start();
        await AssertAsync(7, $"Port {_fairlead.Port} is used by '", $"(pid {Environment.ProcessId}). Fix: fairlead serve --listen 127.0.0.1:");
    }

    [Fact]
    public async Task An_address_of_another_machine_is_refused() =>
        await AssertAsync(78, "Cannot listen on 192.0.2.1:8080", "--listen ADDRESS:PORT", "--listen", "192.0.2.1:8080");

    [Fact]
    public async Task A_wrong_flag_is_a_usage_error() => await AssertAsync(2, "--listen: listen is '8080'", "such as 127.0.0.1:8080 is expected", "--listen", "8080");

    [Fact]
    public async Task A_data_folder_that_cannot_be_written_is_named_with_the_fix() =>
        await AssertAsync(78, "Cannot write to /proc/fairlead", "choose another: --data FOLDER", "--data", "/proc/fairlead");

    [Fact]
    public async Task A_data_folder_whose_secret_others_can_read_is_refused_with_the_command_that_mends_it()
    {
        await _fairlead.StartAsync();
        await _fairlead.StopAsync();
        File.SetUnixFileMode(Path.Combine(_fairlead.Data, "pepper"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        await AssertAsync(78, "can be read or changed by other users", "chmod 600");
    }

    [Fact]
    public async Task A_store_that_is_no_database_is_named_and_left_alone()
    {
        await _fairlead.StartAsync();
        await _fairlead.StopAsync();
        string store = Path.Combine(_fairlead.Data, "store.db");
        await File.WriteAllTextAsync(store, new string('x', 8192));
        await AssertAsync(1, "cannot be used", "restore it from a backup");
        Assert.StartsWith("xxx", await File.ReadAllTextAsync(store), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_configuration_that_cannot_be_read_is_named()
    {
        File.Delete(_fairlead.Config);
        await AssertAsync(78, "there is no such file", "--config");
    }

    [Theory]
    [InlineData(78, "serve")]
    [InlineData(78, "run", "/etc")]
    [InlineData(78, "config", "validate")]
    [InlineData(6, "doctor")] // there is no server that could be asked, and this is why
    public async Task Kernels_that_there_are_not_are_told_with_those_that_there_are(int expected, params string[] arguments)
    {
        _fairlead.Variables["FAIRLEAD_KERNELS"] = "sse9";
        (int code, _, string error) = await _fairlead.RunAsync(arguments);
        Assert.Contains("FAIRLEAD_KERNELS is 'sse9'; this machine can run scalar", error, StringComparison.Ordinal);
        Assert.Contains("Name one of them, or leave the variable out.", error, StringComparison.Ordinal);
        Assert.Equal(expected, code);
    }

    [Fact]
    public async Task Kernels_that_there_are_are_used_and_those_of_another_verb_are_its_own_business()
    {
        _fairlead.Variables["FAIRLEAD_KERNELS"] = "Scalar";
        await _fairlead.StartAsync();
        JsonElement kernels = Assert.Single((await _fairlead.JsonAsync("doctor")).EnumerateArray(), static c => c.GetProperty("name").GetString() == "kernels");
        Assert.StartsWith("scalar, of scalar", kernels.GetProperty("detail").GetString(), StringComparison.Ordinal);
        _fairlead.Variables["FAIRLEAD_KERNELS"] = "sse9";
        Assert.Equal(0, (await _fairlead.RunAsync("ps")).Code);
        (int code, string checks, string error) = await _fairlead.RunAsync("doctor");
        Assert.Equal(8, code);
        Assert.Contains("FAIRLEAD_KERNELS is 'sse9'", checks, StringComparison.Ordinal);
        Assert.Contains("FAIRLEAD_KERNELS is 'sse9'", error, StringComparison.Ordinal);
        (code, _, error) = await _fairlead.RunAsync("run", "fairlead/guide");
        Assert.True(code == 0, error);
        Assert.Contains("FAIRLEAD_KERNELS has no effect: a server runs already", error, StringComparison.Ordinal);
        Assert.Contains("Kernels Scalar, of", (await _fairlead.RunAsync("logs", "fairlead/guide")).Out, StringComparison.Ordinal);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _fairlead.DisposeAsync();

    private async Task AssertAsync(int expected, string what, string fix, params string[] arguments)
    {
        (int code, _, string error) = await _fairlead.RunAsync(["serve", .. arguments]);
        Assert.Contains(what, error, StringComparison.Ordinal);
        Assert.Contains(fix, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.Equal(expected, code);
    }
}
