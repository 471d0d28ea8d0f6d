using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Fairlead.Fleet.Isolation;
using Fairlead.Shared;

namespace Fairlead.Fleet.Tests.Isolation;

/// <summary>Security P-03 as far as it goes here: a program that is started as our workers are tries to get out.</summary>
public sealed class LandlockTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly TempFolder _elsewhere = new();
    private readonly TempFolder _packs = new();

    [Fact]
    public async Task What_a_worker_of_ours_may_not_do_is_refused_and_what_it_has_to_do_is_not()
    {
        Assert.SkipUnless(Landlock.Version() > 0, "this kernel has no Landlock");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        File.WriteAllText(_elsewhere["file"], "kept");
        string[] said = await TryAsync($$"""
            const fs = require('fs'), net = require('net');
            const attempt = (name, action) => { try { action(); console.log(name + ' done'); } catch (e) { console.log(name + ' ' + e.code); } };
            attempt('write-elsewhere', () => fs.writeFileSync('{{_elsewhere["new"]}}', 'x'));
            attempt('write-here', () => fs.writeFileSync('{{_folder["new"]}}', 'x'));
            attempt('overwrite', () => fs.writeFileSync('{{_elsewhere["file"]}}', 'x'));
            attempt('append', () => fs.appendFileSync('{{_elsewhere["file"]}}', 'x'));
            attempt('truncate', () => fs.truncateSync('{{_elsewhere["file"]}}', 0));
            attempt('unlink', () => fs.unlinkSync('{{_elsewhere["file"]}}'));
            attempt('rename', () => fs.renameSync('{{_elsewhere["file"]}}', '{{_elsewhere["other"]}}'));
            attempt('link', () => fs.linkSync('{{_elsewhere["file"]}}', '{{_folder["link"]}}'));
            attempt('symlink', () => fs.symlinkSync('/etc/passwd', '{{_folder["symlink"]}}'));
            attempt('mkdir', () => fs.mkdirSync('{{_folder["folder"]}}'));
            attempt('rmdir', () => fs.rmdirSync('{{_elsewhere.Path}}'));
            attempt('memory-of-the-gateway', () => fs.openSync('/proc/{{Environment.ProcessId}}/mem', 'r'));
            attempt('environment-of-the-gateway', () => fs.readFileSync('/proc/{{Environment.ProcessId}}/environ'));
            attempt('signal-the-gateway', () => process.kill({{Environment.ProcessId}}, 0));
            attempt('read', () => fs.readFileSync('{{_elsewhere["file"]}}'));
            attempt('pack', () => { fs.writeFileSync('{{_packs["1.new"]}}', 'x', { flag: 'wx' }); fs.renameSync('{{_packs["1.new"]}}', '{{_packs["1"]}}'); fs.renameSync('{{_packs["1"]}}', '{{_packs["2"]}}'); });
            attempt('pack-elsewhere', () => fs.renameSync('{{_packs["2"]}}', '{{_elsewhere["2"]}}'));
            attempt('link-to-pack', () => fs.linkSync('{{_elsewhere["file"]}}', '{{_packs["link"]}}'));
            attempt('symlink-in-packs', () => fs.symlinkSync('{{_elsewhere["file"]}}', '{{_packs["symlink"]}}'));
            attempt('folder-in-packs', () => fs.mkdirSync('{{_packs["folder"]}}'));
            attempt('remove-pack', () => fs.unlinkSync('{{_packs["2"]}}'));
            attempt('null', () => fs.writeFileSync('/dev/null', 'x'));
            net.connect({{((IPEndPoint)listener.LocalEndpoint).Port}}, '127.0.0.1').on('connect', () => console.log('connect done')).on('error', e => {
              console.log('connect ' + e.code);
              net.createServer().on('error', e => {
                console.log('listen ' + e.code);
                const server = net.createServer().listen('{{_folder["1.sock"]}}', () => { console.log('socket done'); server.close(() => console.log('end done')); });
              }).listen(0, '127.0.0.1', () => console.log('listen done'));
            });
            """);
        // Who may watch the whole system (CAP_PERFMON), as the superuser may, is not held up when reading of others: hence no gateway should run as one.
        Assert.Equal(
            [
                "write-elsewhere EACCES", "write-here EACCES", "overwrite EACCES", "append EACCES", "truncate EACCES", "unlink EACCES", "rename EACCES", "link EXDEV|EACCES", "symlink EACCES",
                "mkdir EACCES", "rmdir EACCES", "memory-of-the-gateway EACCES", Environment.IsPrivilegedProcess ? "environment-of-the-gateway done" : "environment-of-the-gateway EACCES", "signal-the-gateway EPERM", "read done",
                "pack done", "pack-elsewhere EXDEV|EACCES", "link-to-pack EXDEV|EACCES", "symlink-in-packs EACCES", "folder-in-packs EACCES", "remove-pack done", "null done", "connect EACCES",
                "listen EACCES", "socket done", "end done",
            ],
            said.Select(static line => Regex.Replace(line, "^(link|pack-elsewhere|link-to-pack) (EXDEV|EACCES)$", "$1 EXDEV|EACCES")));
        Assert.Equal("kept", File.ReadAllText(_elsewhere["file"]));
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
        Assert.Empty(Directory.GetFileSystemEntries(_packs.Path));
    }

    [Fact]
    public async Task The_thread_that_starts_them_gives_up_for_itself_alone()
    {
        Assert.SkipUnless(Landlock.Version() > 0, "this kernel has no Landlock");
        await TryAsync("");
        File.WriteAllText(_elsewhere["mine"], "x");
        using Process free = ProcessStarter.OfAnything.Start(new ProcessStartInfo("/bin/sh", ["-c", $"echo x > {_elsewhere["theirs"]}"]));
        await free.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(File.Exists(_elsewhere["theirs"]));
    }

    [Fact]
    public void Where_it_cannot_be_had_that_is_said_and_not_hidden()
    {
        Assert.SkipUnless(Landlock.Version() > 0, "this kernel has no Landlock");
        using ProcessStarter nowhere = ProcessStarter.ForWorker(_folder["no-such-folder"], null);
        Assert.Equal("Landlock: No such file or directory", nowhere.Unconfined);
        Assert.NotNull(ProcessStarter.OfAnything.Unconfined);
    }

    public void Dispose()
    {
        _folder.Dispose();
        _elsewhere.Dispose();
        _packs.Dispose();
    }

    private async Task<string[]> TryAsync(string script)
    {
        using ProcessStarter starter = ProcessStarter.ForWorker(_folder.Path, _packs.Path);
        Assert.Null(starter.Unconfined);
        using Process node = starter.Start(new ProcessStartInfo(ScriptedWorker.Command.Program, ["-e", script]) { UseShellExecute = false, RedirectStandardOutput = true });
        string said = await node.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await node.WaitForExitAsync(TestContext.Current.CancellationToken);
        return said.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
