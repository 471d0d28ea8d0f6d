using System.Text;

namespace Fairlead.Gateway.Tests.Yard;

/// <summary>What Anthropic's own API answers, as scripts.</summary>
internal static class ClaudeScripts
{
    /// <summary>"Hi there", streamed or whole as asked: 11 tokens in, 7 out, or what <paramref name="input"/> says of the input.</summary>
    /// <param name="model">As the answer names it.</param>
    /// <param name="input">Members of <c>usage</c> for the input.</param>
    public static FaultWall.Script Good(string model, string input = "\"input_tokens\":11") => async (c, _) =>
    {
        if (!c.Streams)
        {
            string whole = $"{{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"{model}\",\"content\":[{{\"type\":\"text\",\"text\":\"Hi there\"}}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{{{input},\"output_tokens\":7}}}}";
            await c.SendAsync($"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {Encoding.UTF8.GetByteCount(whole)}\r\n\r\n{whole}");
            return;
        }
        await c.SendAsync(Scripts.Sse);
        await c.ChunkAsync(Event("message_start", $"\"message\":{{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"{model}\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{{{input},\"output_tokens\":1}}}}"));
        await c.ChunkAsync(Event("content_block_start", "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}"));
        await c.ChunkAsync(Event("content_block_delta", "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi there\"}"));
        await c.ChunkAsync(Event("content_block_stop", "\"index\":0"));
        await c.ChunkAsync(Event("message_delta", "\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":7}"));
        await c.ChunkAsync(Event("message_stop"));
        await c.SendAsync("0\r\n\r\n");
    };

    private static string Event(string type, string members = "") =>
        $"event: {type}\ndata: {{\"type\":\"{type}\"{(members.Length > 0 ? "," : "")}{members}}}\n\n";
}
