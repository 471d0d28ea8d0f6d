using Fairlead.Protocols.Dialects;
using static Fairlead.Protocols.Tests.Answers.Script;

namespace Fairlead.Protocols.Tests.Answers;

/// <summary>Streams in the manners of fifty providers and engines: ten manners of speaking in five manners of framing.</summary>
internal static class Transcripts
{
    private static readonly string[] Manners =
    [
        Role + Content("Hel") + Content("lo é\\n") + Fk("stop") + Uk(3, 2) + Done,
        Role + WithUsage(Content("a"), "null") + WithUsage(Content("b"), "null") + WithUsage(Fk("stop"), Counts(3, 2)) + Done,
        WithUsage(Role, Counts(7, 0)) + WithUsage(Content("a"), Counts(7, 1)) + WithUsage(Content("b"), Counts(7, 2)) + Fk("stop") + Done,
        Ck("{\"role\":\"assistant\",\"content\":\"a\"}") + Ck("{\"role\":\"assistant\",\"content\":\"b\"}") + Fk("eos_token") + Uk(3, 2) + Done,
        Ck("{\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"hm\"}") + Ck("{\"content\":null,\"reasoning_content\":\"so\"}") + Ck("{\"content\":\"x\",\"reasoning_content\":null}") + Fk("stop") + Done,
        "data: {\"id\":\"\",\"object\":\"\",\"created\":0,\"model\":\"\",\"choices\":[],\"prompt_filter_results\":[]}\n\n" + Role + Content("x") + Fk("stop") + Done,
        Ck("{\"tool_calls\":[{\"index\":1,\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}") + Ck("{\"tool_calls\":[{\"index\":1,\"function\":{\"name\":\"f\",\"arguments\":\"}\"}}]}") + Fk("stop") + Uk(3, 2) + Done,
        ": OPENROUTER PROCESSING\n\n" + Content("\\ud83d") + Content("\\ude00") + Fk("stop"),
        Role + Content("x") + Content("y").Replace("\"c1\"", "\"c2\"", StringComparison.Ordinal) + "data: oops\n\n" + Content("z") + "event: error\ndata: {\"message\":\"boom\"}\n\n",
        Content("<𝄞&\\u00e9>") + Content("\\\"}]}") + Fk("length") + Done + Content("GHOST"),
    ];

    private static readonly Func<string, string>[] Framings =
    [
        static s => s,
        static s => s.Replace("\n", "\r\n", StringComparison.Ordinal),
        static s => s.Replace("\n", "\r", StringComparison.Ordinal),
        static s => "\uFEFF" + s.Replace("data: ", "data:", StringComparison.Ordinal),
        static s => s.Replace(",\"choices\"", ",\ndata: \"choices\"", StringComparison.Ordinal).Replace("\n\n", "\n: ping\n\n", StringComparison.Ordinal),
    ];

    public static IEnumerable<(byte[] Body, StreamExpectations Expected)> All() =>
        from manner in Enumerable.Range(0, Manners.Length)
        from framing in Framings
        select (Utf8(framing(Manners[manner])), manner % 2 == 0 ? Relayed.Chat : Relayed.Chat with { UsageAsked = true });

    public static string WithUsage(string chunk, string usage) => chunk.Replace("}]}", "}],\"usage\":" + usage + "}", StringComparison.Ordinal);
}
