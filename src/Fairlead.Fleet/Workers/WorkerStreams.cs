using System.Diagnostics;

namespace Fairlead.Fleet.Workers;

/// <summary>The three standard streams of a worker's process: what is said to it, and what it writes, line by line.</summary>
/// <param name="process">Started, with all three redirected.</param>
/// <param name="model">For the names of threads.</param>
/// <param name="log">Gets the lines of standard error.</param>
internal sealed class WorkerStreams(Process process, string model, WorkerLog log)
{
    private readonly Lock _speaking = new();
    private readonly TaskCompletionSource _heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _open = 2;

    /// <summary>Ends when both of its outputs have: nobody that holds them lives.</summary>
    public Task Heard => _heard.Task;

    /// <summary>Begins to listen; <paramref name="hear"/> is called with each line of standard output, on a thread of its own.</summary>
    public void Listen(Action<string> hear)
    {
        Listen("out", process.StandardOutput, hear);
        Listen("err", process.StandardError, log.Hear);
    }

    /// <summary>Says one word to it. Some bytes in a pipe of 64 KiB: this never waits for it to read.</summary>
    public void Say(string word)
    {
        try
        {
            lock (_speaking)
            {
                process.StandardInput.Write(word + "\n");
                process.StandardInput.Flush();
            }
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or ObjectDisposedException)
        {
            log.Deaf(e.Message);
        }
    }

    /// <summary>The framework leaves the streams of a process to the collector once they were used: the pipes of workers that come and go would pile up until it runs.</summary>
    public void CloseInput()
    {
        lock (_speaking)
            process.StandardInput.BaseStream.Dispose(); // not its writer, which might still want to write to the dead
    }

    // Threads of their own: on Unix a pipe is read by blocking, and the pool has as few threads as the machine has cores.
    private void Listen(string name, StreamReader stream, Action<string> take) => new Thread(() =>
    {
        try
        {
            LogLines.Read(stream, take);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            take($"(its output could not be read: {e.Message})");
        }
        stream.Dispose(); // not before its end, which may be later than the worker's: what it has started may hold the other end
        if (Interlocked.Decrement(ref _open) == 0)
            _heard.TrySetResult();
    })
    { IsBackground = true, Name = $"{model} {name}" }.Start();
}
