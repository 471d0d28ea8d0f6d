using System.Text;

namespace Fairlead.Protocols.Tests.Answers;

/// <summary>The macros that the fixtures of streamed answers are written in.</summary>
internal static class Script
{
    public const string Done = "data: [DONE]\n\n";

    public static string Ck(string delta) =>
        "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m1\",\"choices\":[{\"index\":0,\"delta\":" + delta + ",\"finish_reason\":null}]}\n\n";

    public static string Fk(string reason) =>
        "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" + reason + "\"}]}\n\n";

    public static string Uk(int input, int output) =>
        "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m1\",\"choices\":[],\"usage\":" + Counts(input, output) + "}\n\n";

    public static string Counts(int input, int output) =>
        "{\"prompt_tokens\":" + input + ",\"completion_tokens\":" + output + ",\"total_tokens\":" + (input + output) + "}";

    public static string Content(string text) => Ck("{\"content\":\"" + text + "\"}");

    public static string Role => Ck("{\"role\":\"assistant\",\"content\":\"\"}");

    public static string Full(string text) =>
        "{\"id\":\"c1\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"m1\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"" + text
        + "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}";

    public static byte[] Utf8(params ReadOnlySpan<string> writes) => Encoding.UTF8.GetBytes(string.Concat(writes));
}
