using Fairlead.Domain.Inference;
using Fairlead.Gateway.Settings;

namespace Fairlead.Gateway.Tests.Yard;

/// <summary>What a provider that speaks Anthropic can do at a wall.</summary>
internal static class AnthropicScripts
{
    public const string Start =
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m1\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":11,\"output_tokens\":1}}}\n\n"
        + "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n";

    public const string End =
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
        + "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":7}}\n\n"
        + "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

    public const string Stop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

    public static string Event(string name, string json) => $"event: {name}\ndata: {json}\n\n";

    /// <summary>As <see cref="Start"/>, with these members at the message's end and no word about tokens.</summary>
    public static string Started(string more) =>
        Event("message_start", $"{{\"type\":\"message_start\",\"message\":{{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m1\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null{more}}}}}")
        + Event("content_block_start", "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}");

    /// <summary>The end of the text and why it ended, without the stop; <paramref name="usage"/> is the member, or empty.</summary>
    public static string Ended(string usage) =>
        Event("content_block_stop", "{\"type\":\"content_block_stop\",\"index\":0}")
        + Event("message_delta", $"{{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"end_turn\",\"stop_sequence\":null}}{usage}}}");

    public static string Text(string text) =>
        $"event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n";

    public static string Whole(string text) =>
        $"{{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m1\",\"content\":[{{\"type\":\"text\",\"text\":\"{text}\"}}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{{\"input_tokens\":11,\"output_tokens\":7}}}}";

    /// <summary>A good answer, streamed or whole as asked: 11 tokens in, 7 out.</summary>
    public static FaultWall.Script Good(string text = "Hi there") => (c, stop) =>
        c.Streams ? Scripts.Stream(Start, Text(text), End)(c, stop) : Scripts.Status(200, Whole(text))(c, stop);

    /// <summary>An error as Anthropic's API says it; <paramref name="code"/> is what newer versions say beside the type.</summary>
    public static string Envelope(string type, string message, string? code = null) =>
        $"{{\"type\":\"error\",\"error\":{{\"type\":\"{type}\",\"message\":\"{message}\"{(code is null ? "" : $",\"details\":{{\"error_code\":\"{code}\"}}")}}},\"request_id\":\"req_up\"}}";

    public static FaultWall.Script Error(int status, string type, string message, string headers = "") => Scripts.Status(status, Envelope(type, message), headers);

    /// <summary>As <see cref="GatewayYard.Provider"/>, in Anthropic's dialect.</summary>
    public static ProviderSettings Provider(string name, string url, params string[] models) => GatewayYard.Provider(name, url, models) with { Dialect = Dialect.Anthropic };
}
