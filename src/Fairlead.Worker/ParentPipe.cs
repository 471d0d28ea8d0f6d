using System.Diagnostics;

namespace Fairlead.Worker;

/// <summary>The pipe from whoever started this worker: a line <c>load</c> lets it load, <c>stop</c> asks for a polite end, the pipe's own end means that they are dead.</summary>
/// <remarks>The system closes a pipe whose last writer is gone, be it by <c>kill -9</c>, a crash or an orderly end, so a worker cannot outlive its
/// gateway. Where standard input is a terminal nobody started us but a person, and nothing is read from it.</remarks>
internal sealed class ParentPipe
{
    private readonly TextReader _pipe;
    private readonly Action _load;
    private readonly Action _stop;
    private readonly Action _orphaned;

    private ParentPipe(TextReader pipe, Action load, Action stop, Action orphaned)
    {
        _pipe = pipe;
        _load = load;
        _stop = stop;
        _orphaned = orphaned;
    }

    /// <summary>Listens on a thread of its own, so that it hears however busy the model is.</summary>
    /// <param name="pipe">Usually standard input.</param>
    /// <param name="load">Called for the line <c>load</c>; must return at once.</param>
    /// <param name="stop">Called for the line <c>stop</c>; must return at once.</param>
    /// <param name="orphaned">Called at the pipe's end.</param>
    public static void Watch(TextReader pipe, Action load, Action stop, Action orphaned) =>
        new Thread(new ParentPipe(pipe, load, stop, orphaned).Listen) { IsBackground = true, Name = "parent" }.Start();

    /// <summary>Ends this process now. Nothing is tidied up: there is nobody left to be polite to, and a thread that hangs could hold an orderly end up.</summary>
    public static void EndProcess(string socket)
    {
        File.Delete(socket);
        Process.GetCurrentProcess().Kill();
    }

    private void Listen()
    {
        try
        {
            while (_pipe.ReadLine() is { } line)
            {
                if (line == "load")
                    _load();
                else if (line == "stop")
                    _stop();
            }
        }
        finally
        {
            _orphaned(); // a pipe that cannot be read is as good as one that has ended
        }
    }
}
