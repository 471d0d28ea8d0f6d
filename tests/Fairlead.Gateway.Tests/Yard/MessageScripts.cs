using System.Text;

namespace Fairlead.Gateway.Tests.Yard;

/// <summary>What a wall that speaks Anthropic's dialect can say.</summary>
internal static class MessageScripts
{
    /// <summary>A message's start: 11 tokens in.</summary>
    public static readonly string Start = Started(",\"usage\":{\"input_tokens\":11,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":1}");

    public static readonly string Stop = Event("message_stop", "{\"type\":\"message_stop\"}");

    public static string Event(string name, string json) => $"event: {name}\ndata: {json}\n\n";

    /// <summary>A message's start with other members at its end, and the start of a text.</summary>
    public static string Started(string more) =>
        Event("message_start", $"{{\"type\":\"message_start\",\"message\":{{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m1\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null{more}}}}}")
        + Event("content_block_start", "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}");

    public static string Word(string text) => Event("content_block_delta", $"{{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}");

    /// <summary>The end of the text and why it ended; <paramref name="usage"/> is the member, or empty.</summary>
    public static string End(string usage) =>
        Event("content_block_stop", "{\"type\":\"content_block_stop\",\"index\":0}")
        + Event("message_delta", $"{{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"end_turn\",\"stop_sequence\":null}}{usage}}}");

    public static string Full(string text) =>
        $"{{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m1\",\"content\":[{{\"type\":\"text\",\"text\":\"{text}\"}}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{{\"input_tokens\":11,\"output_tokens\":7}}}}";

    /// <summary>An error as Anthropic's API says it; <paramref name="code"/> is what newer versions say beside the type.</summary>
    public static string Error(string type, string message, string? code = null) =>
        $"{{\"type\":\"error\",\"error\":{{\"type\":\"{type}\",\"message\":\"{message}\"{(code is null ? "" : $",\"details\":{{\"error_code\":\"{code}\"}}")}}},\"request_id\":\"req_1\"}}";

    /// <summary>A good answer, streamed or whole as asked: 11 tokens in, 7 out.</summary>
    public static FaultWall.Script Good(string text = "Hi there") => async (c, _) =>
    {
        string whole = Full(text);
        if (!c.Streams)
        {
            await c.SendAsync($"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {Encoding.UTF8.GetByteCount(whole)}\r\n\r\n{whole}");
            return;
        }
        await c.SendAsync(Scripts.Sse);
        await c.ChunkAsync(Start);
        await c.ChunkAsync(Event("ping", "{\"type\":\"ping\"}"));
        await c.ChunkAsync(Word(text));
        await c.ChunkAsync(End(",\"usage\":{\"output_tokens\":7}"));
        await c.ChunkAsync(Stop);
        await c.SendAsync("0\r\n\r\n");
    };
}
