using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace Fairlead.Conformance.Local;

/// <summary>The gateway dies, or its disk is full: nothing is left behind, nothing is lost, and the next start serves.</summary>
public sealed class GatewayDeathTests(LocalCheckpoints checkpoints)
{
    private const string Endless = ""","max_tokens":1900,"min_tokens":1900,"logit_bias":{"5":-100}""";

    /// <summary>W-09.</summary>
    [Fact]
    public async Task Killed_it_leaves_no_process_and_no_socket_and_gives_its_memory_back_and_the_next_start_serves()
    {
        await using LocalYard yard = await LocalYard.StartAsync($$"""
            local:
              ready: { source: {{checkpoints.Small}}, slots: 2 }
              stopped: { source: {{checkpoints.Small}}, slots: 2 }
              loading: { source: {{checkpoints.Large}}, slots: 1 }
            """);
        using LocalStream running = await yard.StreamAsync("local/ready", Endless);
        await running.ReadUntilAsync(static s => s.Content.Length > 0);
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/stopped", ",\"max_tokens\":2")).Status);
        using LocalStream waiting = await yard.StreamAsync("local/loading", Endless); // its comments fix the 200 long before it is loaded, or it is loaded already: either will do
        await yard.WorkerOfAsync("local/loading");
        int[] workers = [.. yard.Workers()];
        Assert.Equal(3, workers.Length);
        Processes.Signal(await yard.WorkerOfAsync("local/stopped"), "STOP"); // cannot hear that its pipe has ended; the system's own signal needs no ear

        await yard.Fairlead.KillAsync();

        await yard.UntilAsync(() => !workers.Any(Processes.Lives), "all three are gone");
        Assert.Empty(Processes.Mentioning(yard.Fairlead.DataFolder));
        await yard.Fairlead.RestartAsync();
        Assert.Empty(yard.Sockets());
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/ready", ",\"max_tokens\":2")).Status);
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/stopped", ",\"max_tokens\":2")).Status);
        Assert.Equal(2, yard.Workers().Count);
        Assert.Equal(2, yard.Sockets().Length);
        await yard.VerifyLedgerAsync();
        Assert.Equal(0, await yard.Fairlead.TerminateAsync()); // and a polite end leaves no more
        Assert.Empty(Processes.Mentioning(yard.Fairlead.DataFolder));
        Assert.Empty(yard.Sockets());
    }

    [Fact]
    public async Task A_full_disk_is_told_to_the_callers_and_nothing_is_lost_when_there_is_room_again()
    {
        Assert.SkipUnless(Environment.UserName == "root", "a small file system of its own can only be mounted by root");
        using var folder = new Yard.TempFolder();
        string small = Directory.CreateDirectory(folder.In("small")).FullName;
        Run("mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "fairlead-test", small);
        try
        {
            await using LocalYard yard = await LocalYard.StartAsync($$"""
                local:
                  one: { source: {{checkpoints.Small}}, slots: 2 }
                """, dataFolder: Path.Combine(small, "data"));
            Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/one", ",\"max_tokens\":2")).Status);
            string filler = Path.Combine(small, "filler");
            FillUp(filler);

            LocalAnswer? refused = null;
            for (int i = 0; i < 2000 && refused?.Code != "storage_full"; i++)
                refused = await yard.AskAsync("local/one", ",\"max_tokens\":1"); // the journal still has the room that it took beforehand

            Assert.True(refused!.Code == "storage_full", refused.Text);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.Status);
            Assert.Single(yard.Workers()); // full or not: the model is nobody's victim
            File.Delete(filler);
            LocalAnswer? again = null;
            await yard.UntilAsync(async () => (again = await yard.AskAsync("local/one", ",\"max_tokens\":2")).Status == HttpStatusCode.OK, "it serves again when there is room");
            await yard.VerifyLedgerAsync();
            await yard.Fairlead.KillAsync();
            await yard.Fairlead.RestartAsync();
            Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/one", ",\"max_tokens\":2")).Status);
            await yard.VerifyLedgerAsync();
        }
        finally
        {
            Run("umount", "--lazy", small);
        }
    }

    private static void FillUp(string path)
    {
        using FileStream filler = File.Create(path, 0);
        byte[] piece = new byte[4096];
        try
        {
            while (true)
                filler.Write(piece);
        }
        catch (IOException)
        {
            // full, as it should be
        }
    }

    private static void Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true })!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, string.Create(CultureInfo.InvariantCulture, $"{program} ended with {process.ExitCode}: {errors}"));
    }
}
