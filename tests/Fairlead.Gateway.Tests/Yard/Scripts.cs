using System.Text;

namespace Fairlead.Gateway.Tests.Yard;

/// <summary>What a wall can do, as scripts.</summary>
internal static class Scripts
{
    public const string Sse = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n";
    public const string Done = "data: [DONE]\n\n";

    public static string Chunk(string delta, string finish = "null") =>
        $"data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m1\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n";

    public static string Finish(string reason = "stop") => Chunk("{}", $"\"{reason}\"");

    public static string Usage(int input, int output) =>
        $"data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m1\",\"choices\":[],\"usage\":{{\"prompt_tokens\":{input},\"completion_tokens\":{output},\"total_tokens\":{input + output}}}}}\n\n";

    public static string Full(string text) =>
        $"{{\"id\":\"c1\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"m1\",\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":11,\"completion_tokens\":7,\"total_tokens\":18}}}}";

    /// <summary>A good answer, streamed or whole as asked: 11 tokens in, 7 out.</summary>
    public static FaultWall.Script Good(string text = "Hi there") => async (c, _) =>
    {
        if (!c.Streams)
        {
            await c.SendAsync(Json(200, Full(text)));
            return;
        }
        await c.SendAsync(Sse);
        await c.ChunkAsync(Chunk("{\"role\":\"assistant\",\"content\":\"\"}"));
        await c.ChunkAsync(Chunk($"{{\"content\":\"{text}\"}}"));
        await c.ChunkAsync(Finish());
        await c.ChunkAsync(Usage(11, 7));
        await c.ChunkAsync(Done);
        await c.SendAsync("0\r\n\r\n");
    };

    /// <summary>A stream of the given events, then an orderly end.</summary>
    public static FaultWall.Script Stream(params string[] events) => async (c, _) =>
    {
        await c.SendAsync(Sse);
        foreach (string item in events)
            await c.ChunkAsync(item);
        await c.SendAsync("0\r\n\r\n");
    };

    public static FaultWall.Script Status(int status, string body, string headers = "", string type = "application/json") => async (c, _) =>
        await c.SendAsync($"HTTP/1.1 {status} X\r\ncontent-type: {type}\r\n{headers}content-length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");

    public static FaultWall.Script Raw(string text, bool close = true) => async (c, stop) =>
    {
        await c.SendAsync(text);
        if (close)
            c.Close();
        else
            await c.UntilClosedAsync(stop);
    };

    public static FaultWall.Script Reset { get; } = static (c, _) =>
    {
        c.Reset();
        return Task.CompletedTask;
    };

    public static FaultWall.Script Close { get; } = static (c, _) =>
    {
        c.Close();
        return Task.CompletedTask;
    };

    /// <summary>Takes the request and never says a word.</summary>
    public static FaultWall.Script Silence { get; } = static (c, stop) => c.UntilClosedAsync(stop);

    private static string Json(int status, string body) =>
        $"HTTP/1.1 {status} OK\r\ncontent-type: application/json\r\ncontent-length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}";
}
