using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Fairlead.Bench;

/// <summary>Callers over raw sockets, so that the generator costs little and nothing of it is a client library's.</summary>
internal static class LoadGenerator
{
    /// <summary>Each connection sends its next request when the last is answered, for so long.</summary>
    /// <returns>Answers counted, and the latency of each in microseconds.</returns>
    public static async Task<(long Answers, List<double> Latencies)> ClosedAsync(int port, byte[] request, int connections, TimeSpan duration)
    {
        long end = Stopwatch.GetTimestamp() + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        List<double>[] all = await Task.WhenAll(Enumerable.Range(0, connections).Select(async _ =>
        {
            var latencies = new List<double>(1024);
            using var caller = new Caller(port);
            while (Stopwatch.GetTimestamp() < end)
            {
                long start = Stopwatch.GetTimestamp();
                await caller.AskAsync(request);
                latencies.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
            }
            return latencies;
        }));
        List<double> merged = [.. all.SelectMany(static l => l)];
        return (merged.Count, merged);
    }

    /// <summary>So many requests a second whatever happens; latency counts from the moment a request was due.</summary>
    public static async Task<List<double>> OpenAsync(int port, byte[] request, int perSecond, TimeSpan duration)
    {
        int total = (int)(perSecond * duration.TotalSeconds);
        var idle = new System.Collections.Concurrent.ConcurrentBag<Caller>();
        var pending = new List<Task<double>>(total);
        long began = Stopwatch.GetTimestamp();
        for (int i = 0; i < total; i++)
        {
            long due = began + (long)((double)i / perSecond * Stopwatch.Frequency);
            while (Stopwatch.GetTimestamp() < due)
            {
                if (due - Stopwatch.GetTimestamp() > Stopwatch.Frequency / 500)
                    await Task.Delay(1);
                else
                    await GiveWayAsync();
            }
            pending.Add(OneAsync(due));
        }
        double[] latencies = await Task.WhenAll(pending);
        foreach (Caller caller in idle)
            caller.Dispose();
        return [.. latencies];

        async Task<double> OneAsync(long due)
        {
            if (!idle.TryTake(out Caller? caller))
                caller = new Caller(port);
            await caller.AskAsync(request);
            idle.Add(caller);
            return Stopwatch.GetElapsedTime(due).TotalMicroseconds;
        }
    }

    /// <summary>Lets the kernel run others before the wait goes on: the upstream shares this core, and a spinning generator would keep it, and with it every
    /// answer, waiting for whole slices of the scheduler.</summary>
    private static async Task GiveWayAsync()
    {
        Thread.Yield();
        await Task.Yield();
    }

    /// <summary>Opens so many streams, reads the first event of each and then nothing; dispose the callers to end them.</summary>
    public static async Task<List<Caller>> IdleStreamsAsync(int port, byte[] request, int streams)
    {
        var callers = new List<Caller>(streams);
        for (int i = 0; i < streams; i++)
        {
            var caller = new Caller(port);
            await caller.BeginAsync(request);
            callers.Add(caller);
        }
        return callers;
    }
}

/// <summary>One keep-alive connection that asks and reads answers to their end.</summary>
internal sealed class Caller : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _buffer = new byte[128 * 1024];

    public Caller(int port) => _socket.Connect(IPAddress.Loopback, port);

    public async Task AskAsync(byte[] request)
    {
        await SendAsync(request);
        int length = 0;
        int head = -1;
        int body = -1;
        while (true)
        {
            int read = await _socket.ReceiveAsync(_buffer.AsMemory(length));
            if (read == 0)
                throw new InvalidOperationException("The contender closed in mid-answer: " + System.Text.Encoding.ASCII.GetString(_buffer, 0, Math.Min(length, 600)));
            length += read;
            if (head < 0)
            {
                head = _buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
                if (head < 0)
                    continue;
                if (!_buffer.AsSpan(0, 12).EndsWith(" 200"u8))
                    throw new InvalidOperationException("The contender refused: " + System.Text.Encoding.ASCII.GetString(_buffer, 0, Math.Min(length, 1200)));
                body = ContentLength(_buffer.AsSpan(0, head));
            }
            if (body >= 0 ? length >= head + 4 + body : _buffer.AsSpan(0, length).EndsWith("0\r\n\r\n"u8))
                return;
            if (body < 0 && length > _buffer.Length / 2)
            {
                // Only the end of a chunked answer matters; keep the last bytes and make room.
                _buffer.AsSpan(length - 16, 16).CopyTo(_buffer);
                length = 16;
            }
        }
    }

    public async Task BeginAsync(byte[] request)
    {
        await SendAsync(request);
        int length = 0;
        while (_buffer.AsSpan(0, length).IndexOf("data: {"u8) < 0)
        {
            int read = await _socket.ReceiveAsync(_buffer.AsMemory(length));
            if (read == 0)
                throw new InvalidOperationException("The contender closed before the first event.");
            length += read;
        }
    }

    public void Dispose() => _socket.Dispose();

    private async Task SendAsync(byte[] request)
    {
        for (int sent = 0; sent < request.Length;)
            sent += await _socket.SendAsync(request.AsMemory(sent));
    }

    private static int ContentLength(ReadOnlySpan<byte> head)
    {
        string text = System.Text.Encoding.ASCII.GetString(head);
        int at = text.IndexOf("content-length:", StringComparison.OrdinalIgnoreCase);
        return at < 0 ? -1 : int.Parse(text[(at + 15)..].Split('\r')[0].Trim());
    }
}
