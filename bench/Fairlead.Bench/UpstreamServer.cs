using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Fairlead.Bench;

/// <summary>The provider that every contender stands in front of: a fixed answer, chosen by the model's name in the body.</summary>
/// <remarks><c>bench-json</c>: 1.6 KB of JSON. <c>bench-sse0</c>: 64 events of about 210 bytes in one go. <c>bench-sse5</c>: the same, 5 ms apart.
/// <c>bench-idle</c>: one event, then silence until the caller goes. <c>bench-messages</c>: as many pieces of the same text in one go, told as Anthropic does.</remarks>
internal sealed class UpstreamServer : IDisposable
{
    public const int Events = 64;
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly byte[] _json = Json();
    private readonly byte[][] _events = [.. Enumerable.Range(0, Events).Select(Event)];
    private readonly byte[][] _message = [.. Message()];
    private readonly byte[] _usage = Chunk("data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"bench\",\"choices\":[],\"usage\":{\"prompt_tokens\":180,\"completion_tokens\":64,\"total_tokens\":244}}\n\n");
    private readonly byte[] _end = [.. Chunk("data: [DONE]\n\n"), .. "0\r\n\r\n"u8];
    private readonly byte[] _streamHead = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");

    public UpstreamServer()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(2048);
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptAsync();
                socket.NoDelay = true;
                _ = ServeAsync(socket);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed: the run is over.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        var buffer = new byte[256 * 1024];
        using (socket)
        {
            try
            {
                while (await ReadRequestAsync(socket, buffer) is { Length: > 0 } request)
                {
                    if (request.Span.IndexOf("bench-json"u8) >= 0)
                        await SendAsync(socket, _json);
                    else if (request.Span.IndexOf("bench-idle"u8) >= 0)
                        await IdleAsync(socket, buffer);
                    else if (request.Span.IndexOf("bench-messages"u8) >= 0)
                        await MessageAsync(socket);
                    else
                        await StreamAsync(socket, request.Span.IndexOf("bench-sse5"u8) >= 0);
                }
            }
            catch (SocketException)
            {
                // The contender closed: it is its right.
            }
        }
    }

    private async Task StreamAsync(Socket socket, bool paced)
    {
        await SendAsync(socket, _streamHead);
        if (!paced)
        {
            foreach (byte[] item in _events)
                await SendAsync(socket, item);
        }
        else
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
            foreach (byte[] item in _events)
            {
                await timer.WaitForNextTickAsync();
                await SendAsync(socket, item);
            }
        }
        await SendAsync(socket, _usage);
        await SendAsync(socket, _end);
    }

    private async Task MessageAsync(Socket socket)
    {
        await SendAsync(socket, _streamHead);
        foreach (byte[] item in _message)
            await SendAsync(socket, item);
        await SendAsync(socket, "0\r\n\r\n"u8.ToArray());
    }

    private async Task IdleAsync(Socket socket, byte[] buffer)
    {
        await SendAsync(socket, _streamHead);
        await SendAsync(socket, _events[0]);
        while (await socket.ReceiveAsync(buffer) > 0)
        {
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadRequestAsync(Socket socket, byte[] buffer)
    {
        int length = 0;
        while (true)
        {
            int read = await socket.ReceiveAsync(buffer.AsMemory(length));
            if (read == 0)
                return default;
            length += read;
            int head = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
            if (head < 0)
                continue;
            string text = Encoding.ASCII.GetString(buffer, 0, head);
            if (text.Contains("transfer-encoding: chunked", StringComparison.OrdinalIgnoreCase))
            {
                if (buffer.AsSpan(0, length).EndsWith("0\r\n\r\n"u8))
                    return buffer.AsMemory(0, length);
                continue;
            }
            int at = text.IndexOf("content-length:", StringComparison.OrdinalIgnoreCase);
            int body = at < 0 ? 0 : int.Parse(text[(at + 15)..].Split('\r')[0].Trim());
            if (length >= head + 4 + body)
                return buffer.AsMemory(0, length);
        }
    }

    private static async Task SendAsync(Socket socket, byte[] bytes)
    {
        for (int sent = 0; sent < bytes.Length;)
            sent += await socket.SendAsync(bytes.AsMemory(sent));
    }

    private static byte[] Json()
    {
        string content = string.Concat(Enumerable.Repeat("The quick brown fox jumps over the lazy dog. ", 28));
        string body = $"{{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"bench\",\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"{content}\"}},\"logprobs\":null,\"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":180,\"completion_tokens\":280,\"total_tokens\":460}},\"system_fingerprint\":\"fp_bench\"}}";
        return Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {body.Length}\r\n\r\n{body}");
    }

    private static byte[] Event(int i)
    {
        string finish = i == Events - 1 ? "\"stop\"" : "null";
        string delta = i == Events - 1 ? "{}" : "{\"content\":\" streamed words\"}";
        return Chunk($"data: {{\"id\":\"chatcmpl-bench-0123456789\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"bench\",\"system_fingerprint\":\"fp_bench\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}]}}\n\n");
    }

    private static IEnumerable<byte[]> Message()
    {
        yield return Chunk("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_bench\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"bench\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":180,\"output_tokens\":1}}}\n\n");
        yield return Chunk("event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n");
        for (int i = 0; i < Events - 1; i++)
            yield return Chunk("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" streamed words\"}}\n\n");
        yield return Chunk("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n");
        yield return Chunk("event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":64}}\n\n");
        yield return Chunk("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    }

    private static byte[] Chunk(string text) => Encoding.ASCII.GetBytes($"{text.Length:x}\r\n{text}\r\n");
}
