using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Fairlead.Fleet.Isolation;
using Fairlead.Fleet.Packs;
using Fairlead.Fleet.Tests.Workers;
using Fairlead.Fleet.Workers;
using Fairlead.Shared;
using Microsoft.Extensions.Logging.Abstractions;

namespace Fairlead.Fleet.Tests.Packs;

/// <summary>Real workers of the product, confined as a gateway confines them, and the packs that they keep.</summary>
public sealed class PackedWorkerTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private readonly ProcessYard _yard = new();
    private readonly TempFolder _folder = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_confined_worker_keeps_its_pack_and_the_next_one_reads_it_and_answers_the_same()
    {
        string model = RandomModel();
        PackFolders folders = Folders();
        PackPlace place = folders.For(model)!;
        (WorkerProcess first, Task kept) = await LoadAsync(model, place);
        await UntilLoggedAsync("; packed ");
        string answer = await AnswerAsync(first);
        await kept.WaitAsync(Patience, Cancelled);
        await UntilLoggedAsync($"The packed weights are kept for the next load in {place.Folder}/");
        if (Landlock.Version() > 0)
            Assert.Contains("landlock", first.Sandbox.Applied);
        await first.StopAsync(Patience);
        FileInfo pack = new(Assert.Single(Directory.GetFiles(place.Folder)));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, pack.UnixFileMode);
        DateTime written = pack.LastWriteTimeUtc;

        (WorkerProcess second, _) = await LoadAsync(model, folders.For(model)!);
        await UntilLoggedAsync("; read from a pack ");
        Assert.Equal(answer, await AnswerAsync(second));
        await second.StopAsync(Patience);
        Assert.Equal((1, written), (Directory.GetFiles(place.Folder).Length, File.GetLastWriteTimeUtc(pack.FullName)));
    }

    [Fact]
    public async Task A_pack_that_was_damaged_is_removed_and_made_anew()
    {
        string model = RandomModel();
        PackPlace place = Folders().For(model)!;
        (WorkerProcess first, Task kept) = await LoadAsync(model, place);
        await kept.WaitAsync(Patience, Cancelled);
        string answer = await AnswerAsync(first);
        await first.StopAsync(Patience);
        string pack = Assert.Single(Directory.GetFiles(place.Folder));
        byte[] good = await File.ReadAllBytesAsync(pack, Cancelled), bad = [.. good];
        bad[^1000] ^= 1;
        await File.WriteAllBytesAsync(pack, bad, Cancelled);

        (WorkerProcess second, kept) = await LoadAsync(model, place);
        await UntilLoggedAsync($"The pack {pack} was not used: it is damaged");
        Assert.Equal(answer, await AnswerAsync(second));
        await kept.WaitAsync(Patience, Cancelled);
        Assert.True((await File.ReadAllBytesAsync(pack, Cancelled)).AsSpan().SequenceEqual(good));
    }

    [Fact]
    public async Task A_worker_cannot_write_in_another_models_folder()
    {
        Assert.SkipUnless(Landlock.Version() > 0, "this kernel has no Landlock");
        string model = RandomModel();
        PackFolders folders = Folders();
        await File.WriteAllTextAsync(_folder["other"], "another model", Cancelled);
        PackPlace mine = folders.For(model)!, anothers = folders.For(_folder["other"])!;
        await File.WriteAllTextAsync(Path.Combine(anothers.Folder, "its.pack"), "another's", Cancelled);
        // Told to use a folder that is not the one it was given.
        WorkerProcess worker = _yard.Start(
            ProcessYard.Product with { Arguments = ["worker", "--packs", anothers.Folder] },
            new WorkerSpec { Model = "local/real", Source = model, Slots = 1 });
        await ProcessYard.LoadedAsync(worker);
        await UntilLoggedAsync("The packed weights are not kept in");
        Assert.Contains(_yard.Lines.Lines, line => line.Contains($"not kept in {anothers.Folder}: ", StringComparison.Ordinal) && line.Contains("denied", StringComparison.Ordinal));
        Assert.Equal([Path.Combine(anothers.Folder, "its.pack")], Directory.GetFiles(anothers.Folder));
        Assert.Empty(Directory.GetFiles(mine.Folder));
        Assert.Equal("ready", (await worker.ProbeAsync(Patience, Cancelled))?.Status);
    }

    [Fact]
    public async Task A_small_model_leaves_nothing()
    {
        PackPlace place = Folders().For(ProcessYard.Guide)!;
        (WorkerProcess worker, Task kept) = await LoadAsync(ProcessYard.Guide, place);
        await worker.StopAsync(Patience);
        Assert.False(kept.IsCompleted);
        Assert.Empty(Directory.GetFiles(place.Folder));
        Assert.DoesNotContain(_yard.Lines.Lines, static line => line.Contains("kept", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_worker_that_is_told_to_stop_ends_whatever_it_was_keeping()
    {
        string model = RandomModel();
        PackPlace place = Folders().For(model)!;
        (WorkerProcess worker, _) = await LoadAsync(model, place);
        await worker.StopAsync(Patience); // at once: some part of the pack may be written, or all of it
        Assert.Equal("the worker ended with code 0", worker.Epitaph()[..28]);
        Assert.DoesNotContain(Directory.GetFiles(place.Folder), static file => file.EndsWith(".new", StringComparison.Ordinal));
    }

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>Its log and what it says of its state come through two pipes: the one may be read later than the other.</summary>
    private Task UntilLoggedAsync(string words) => ScriptedWorker.UntilAsync(() => _yard.Lines.Lines.Any(line => line.Contains(words, StringComparison.Ordinal)), $"it logs '{words}'");

    private string RandomModel()
    {
        if (!Directory.Exists(_folder["model"]))
            RandomCheckpoint.Write(ProcessYard.Guide, _folder["model"], 60 << 20);
        return _folder["model"];
    }

    private PackFolders Folders()
    {
        Directory.CreateDirectory(_folder["packs"]);
        var folders = new PackFolders(_folder["packs"], TimeProvider.System, NullLogger.Instance);
        folders.Bound(1L << 30);
        return folders;
    }

    private async Task<(WorkerProcess Worker, Task Kept)> LoadAsync(string model, PackPlace place)
    {
        var kept = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        WorkerProcess worker = _yard.Real(model, context: 256, slots: 1, packs: place);
        worker.Kept = kept.SetResult;
        return (await ProcessYard.LoadedAsync(worker), kept.Task);
    }

    /// <summary>What it writes, with the log-probability of each token: the last bit of a score would show.</summary>
    private static async Task<string> AnswerAsync(WorkerProcess worker)
    {
        using var http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(worker.Address.Socket!), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        using HttpResponseMessage answer = await http.PostAsync(
            "http://worker/v1/completions",
            new StringContent("""{"prompt":"What is Fairlead?","max_tokens":16,"min_tokens":16,"temperature":0,"logprobs":5}""", Encoding.UTF8, "application/json"), Cancelled);
        JsonElement body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancelled)).RootElement;
        return body.GetProperty("choices").GetRawText();
    }
}
