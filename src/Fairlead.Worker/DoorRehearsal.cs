using System.Buffers;
using System.Net.Sockets;
using System.Text.Json;
using Fairlead.Worker.Requests;

namespace Fairlead.Worker;

/// <summary>
/// What a request runs before it comes to the model, and an answer after it, run once while the model is being loaded: it is compiled by then, and the first caller need not
/// wait for it: docs/decisions/0018-rehearsed-while-it-loads.md.
/// </summary>
internal static class DoorRehearsal
{
    private static readonly byte[] s_question =
        "POST /v1/chat/completions HTTP/1.1\r\nHost: worker\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"u8.ToArray();

    private static readonly byte[] s_texts = """{"model":"m","input":["a","b"],"encoding_format":"float","dimensions":1,"user":"u"}"""u8.ToArray();

    /// <summary>Asks this worker's own door, and ends with the refusal: the model is being loaded.</summary>
    /// <param name="socketPath">Where the door listens already.</param>
    /// <exception cref="SocketException">It cannot be reached, so nobody else could ask it either.</exception>
    public static async Task AskAsync(string socketPath)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath));
        await socket.SendAsync(s_question);
        byte[] refusal = new byte[1024];
        while (await socket.ReceiveAsync(refusal) > 0)
        {
            // to its end, which the door closes
        }
    }

    /// <summary>Reads a request for vectors, and writes an answer in both notations: what the door of an encoder does beside its model.</summary>
    public static void ReadAndWrite()
    {
        using JsonDocument body = JsonDocument.Parse(s_texts);
        EmbeddingRequest request = EmbeddingRequest.Read(body.RootElement, out _) ?? throw new InvalidOperationException("a request that is as it should be is refused");
        foreach (bool base64 in (ReadOnlySpan<bool>)[false, true])
        {
            using var json = new Utf8JsonWriter(new ArrayBufferWriter<byte>());
            new EmbeddingAnswer([.. request.Inputs.Select(static _ => EmbeddingServed.Shorten([0.6f, 0.8f], 1))], request.Inputs.Length).Write(json, "m", base64);
        }
    }
}
