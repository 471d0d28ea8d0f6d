using System.Globalization;
using System.Text;

namespace Fairlead.Yard;

/// <summary>Where a fault happens.</summary>
public enum FaultSite
{
    /// <summary>In what is answered: the two scripts.</summary>
    Answer,
    Refused,
    BlackHole,
    NoName,
    ExpiredCertificate,
    WrongName,
    HandshakeAborted,
}

/// <summary>One way in which an upstream goes wrong; the row is that of the fault table.</summary>
/// <param name="Name">Unique, usable in names of models and providers.</param>
/// <param name="Site">Where.</param>
/// <param name="Stream">What a request for a stream gets.</param>
/// <param name="Whole">What another request gets.</param>
public sealed record Fault(string Name, FaultSite Site, string Stream, string Whole)
{
    /// <summary>As in the table, <c>U-07</c>.</summary>
    public string Row => "U-" + Name[1..3];
}

/// <summary>The upstream faults of the table, each in the forms in which providers show it.</summary>
public static class Faults
{
    private const string Par = """W ck({"role":"assistant","content":""}) ; W ck({"content":"par"})""";

    /// <summary>Every fault, in the order of the table. U-31 is HTTP/2's and has no form on HTTP/1.1.</summary>
    public static IReadOnlyList<Fault> All { get; } =
    [
        At("u01-refused", FaultSite.Refused),
        At("u02-black-hole", FaultSite.BlackHole),
        At("u03-no-name", FaultSite.NoName),
        At("u04-expired", FaultSite.ExpiredCertificate),
        At("u04-wrong-name", FaultSite.WrongName),
        At("u04-aborted", FaultSite.HandshakeAborted),
        Both("u05-reset", "RAW\nRST"),
        Both("u06-closed", "RAW\nCUT"),
        Both("u07-header-stall", "RAW\nHOLD"),
        Both("u07-header-drip", "RAW\nW HTTP/1.1 200 OK\\r\\ncontent- ; HOLD"),
        new("u08-first-event-stall", FaultSite.Answer, "SSE\nHOLD", "200 JS\nHOLD"),
        new("u08-comments-only", FaultSite.Answer, "SSE\n" + string.Join('\n', Enumerable.Repeat("W : still here\\n\\n ; ~60", 40)) + "\nHOLD", "200 JS\nHOLD"),
        Both("u09-short-hint", "429\nretry-after: 1\n" + Error("Slow down.", "rate_limit_exceeded")),
        Both("u09-long-hint", "429\nretry-after: 30\n" + Error("Slow down.", "rate_limit_exceeded")),
        Both("u09-ms-hint", "429\nretry-after-ms: 40\n" + Error("Slow down.", "rate_limit_exceeded")),
        Both("u10-no-hint", "429 " + Error("Slow down.", "rate_limit_exceeded")),
        Both("u11-401", "401 " + Error("Incorrect API key provided: sk-secret1234567890abcdef.", "invalid_api_key")),
        Both("u11-403", "403 " + Error("This API key may not do that.", null)),
        Both("u11-401-empty", "401\ncontent-length: 0\nEND"),
        Both("u12-402", "402 JS {\"error\":\"You have exceeded your monthly included credits.\"}"),
        Both("u12-insufficient-quota", "429 " + Error("You exceeded your current quota, please check your plan and billing details.", "insufficient_quota")),
        Both("u13-400", "400 " + Error("Temperature must be at most 2.", null)),
        Both("u13-413", "413 " + Error("The body is too large here.", null)),
        Both("u13-422", "422 JS {\"detail\":[{\"loc\":[\"body\",\"top_k\"],\"msg\":\"must be positive\",\"type\":\"value_error\"}]}"),
        Both("u14-404", "404 " + Error("The model `x` does not exist or you do not have access to it.", "model_not_found")),
        Both("u14-410", "410 " + Error("This model was removed.", "model_gone")),
        Both("u14-decommissioned", "400 " + Error("The model `x` has been decommissioned and is no longer supported.", "model_decommissioned")),
        Both("u15-408", "408 " + Error("Timed out.", null)),
        Both("u15-409", "409 " + Error("Conflict.", null)),
        Both("u15-425", "425 " + Error("Too early.", null)),
        Both("u16-500", "500 " + Error("Exploded.", null)),
        Both("u17-502-html", "502 text/html\nW <html><body><h1>502 Bad Gateway</h1></body></html>"),
        Both("u17-503-empty", "503\ncontent-length: 0\nEND"),
        Both("u17-524", "524 text/html\nW <html>A timeout occurred</html>"),
        Both("u17-529", "529 JS {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}"),
        Both("u18-html", "200 text/html\nW <html><body>Log in</body></html>"),
        Both("u18-bad-json", "200 JS {\"id\":\"c1\",\"choices\":[{"),
        Both("u18-empty", "200\ncontent-type: application/json\ncontent-length: 0\nEND"),
        Both("u18-null", "200 JS null"),
        Both("u18-short-length", "200\ncontent-type: application/json\ncontent-length: 50\nW full(Hi) ; FIN"),
        Both("u18-long-length", "200\ncontent-type: application/json\ncontent-length: 5000\nW full(Hi) ; CUT"),
        Both("u18-cut-gzip", "200\nGZIP\ncontent-type: application/json\nW {\"id\":\"c1\",\"choices\":[ ; CUT"),
        new("u19-error-in-200", FaultSite.Answer, "SSE\nW data: {\"error\":{\"message\":\"upstream exploded\",\"type\":\"server_error\",\"code\":500}}\\n\\n ; W done", "200 " + Error("upstream exploded", null, 500)),
        new("u19-limit-in-200", FaultSite.Answer, "SSE\nW data: {\"error\":{\"message\":\"slow\",\"type\":\"requests\",\"code\":429}}\\n\\n ; FIN", "200 " + Error("slow", null, 429)),
        After("u20-cut", Par + " ; CUT"),
        After("u20-reset", Par + " ; ~30 ; RST"),
        After("u20-no-finish", Par + " ; END"),
        After("u21-object", Par + " ; W data: {\"error\":{\"message\":\"Provider disconnected\",\"type\":\"server_error\",\"code\":502}}\\n\\n ; FIN"),
        After("u21-string", Par + " ; W data: {\"error\":\"CUDA out of memory\",\"error_type\":\"generation\"}\\n\\n ; W done"),
        After("u21-event-line", Par + " ; W event: error\\ndata: {\"message\":\"boom\"}\\n\\n ; END"),
        After("u21-finish-error", Par + " ; W data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m1\",\"error\":{\"code\":\"server_error\",\"message\":\"gone\"},\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\\n\\n ; END"),
        After("u22-idle", Par + " ; HOLD"),
        new("u23-drip", FaultSite.Answer, "SSE\n" + Par + "\n" + Drip(ScriptText.Chunk("{\"content\":\"tial\"}").Replace("\\n", "", StringComparison.Ordinal)) + "\nW \\n\\n ; W fk(stop) ; W uk(3,2) ; W done", "JS\n" + Drip(Text("full(partial)"))),
        new("u24-one-bad-event", FaultSite.Answer, "SSE\n" + Par + " ; W data: {\"id\":\"c1\",\"choi\\n\\n ; W ck({\"content\":\"tial\"}) ; W fk(stop) ; W uk(3,2) ; W done", Script.GoodWhole),
        After("u24-three-bad-events", Par + " ; W data: {x\\n\\n ; W data: {y\\n\\n ; W data: {z\\n\\n ; W ck({\"content\":\"tial\"}) ; W fk(stop) ; W done"),
        After("u25-endless-line", Par + " ; W data: {\"id\":\" ; W*1200 " + new string('x', 16 * 1024) + " ; HOLD"),
        new("u26-split-code-point", FaultSite.Answer, "SSE\nW data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"par\\xC3 ; W \\xA9\"},\"finish_reason\":null}]}\\n\\n ; W fk(stop) ; W uk(3,2) ; W done", "JS\nW {\"id\":\"c1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m1\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"par\\xC3 ; W \\xA9\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}"),
        Both("u27-302", "302\nlocation: http://127.0.0.1:9/steal\ncontent-length: 0\nEND"),
        Both("u27-308", "308\nlocation: https://example.invalid/v1/chat/completions\ncontent-length: 0\nEND"),
        Both("u28-flood", "RAW\nW*20 HTTP/1.1 103 Early Hints\\r\\nlink: </a>\\r\\n\\r\\n ; HOLD"),
        Both("u29-large", "RAW\nW HTTP/1.1 200 OK\\r\\ncontent-type: application/json\\r\\n ; W*80 x-filler: " + new string('f', 1000) + "\\r\\n ; W content-length: 2\\r\\n\\r\\n{}"),
        Both("u29-many", "RAW\nW HTTP/1.1 200 OK\\r\\ncontent-type: application/json\\r\\n ; W*300 x-f: 1\\r\\n ; W content-length: 2\\r\\n\\r\\n{}"),
        new("u30-bomb", FaultSite.Answer, "SSE\nGZIP\nW*300 : " + new string(' ', 64 * 1024) + "\\n ; HOLD", "200 JS\nGZIP\nW*300 " + new string(' ', 64 * 1024) + " ; HOLD"),
        new("u32-done-twice", FaultSite.Answer, "SSE\n" + Par + " ; W fk(stop) ; W uk(3,2) ; W done ; W done ; W ck({\"content\":\"GHOST\"}) ; END", Script.GoodWhole),
        new("u32-no-done", FaultSite.Answer, "SSE\n" + Par + " ; W fk(stop) ; W uk(3,2) ; END", Script.GoodWhole),
        new("u33-no-usage", FaultSite.Answer, "SSE\n" + Par + " ; W fk(stop) ; W done", "200 JS {\"id\":\"c1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m1\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"partial\"},\"finish_reason\":\"stop\"}]}"),
        new("u34-absurd-usage", FaultSite.Answer, "SSE\n" + Par + " ; W fk(stop) ; W uk(99999999999,-7) ; W done", "200 JS {\"id\":\"c1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m1\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"partial\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":99999999999,\"completion_tokens\":-7,\"total_tokens\":1}}"),
        new("u35-past-the-limit", FaultSite.Answer, "SSE\n" + Par + "\n" + string.Join('\n', Enumerable.Repeat("W ck({\"content\":\" word\"})", 400)) + "\nHOLD", Script.GoodWhole),
        new("u36-comments-between", FaultSite.Answer, "SSE\n" + Par + "\n" + string.Join('\n', Enumerable.Repeat("W : ping\\n\\n ; ~100", 8)) + "\nW ck({\"content\":\"tial\"}) ; W fk(stop) ; W uk(3,2) ; W done", Script.GoodWhole),
        After("u37-open-tool-call", "W ck({\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":\"}}]}) ; END"),
    ];

    /// <summary>The fault of this name.</summary>
    public static Fault Named(string name) => All.First(f => f.Name == name);

    private static Fault At(string name, FaultSite site) => new(name, site, Script.GoodStream, Script.GoodWhole);

    private static Fault Both(string name, string script) => new(name, FaultSite.Answer, script, script);

    /// <summary>A fault in mid-answer: the stream breaks as told, the whole answer breaks in the middle of its JSON.</summary>
    private static Fault After(string name, string streamSteps) =>
        new(name, FaultSite.Answer, "SSE\n" + streamSteps, "JS\nW {\"id\":\"c1\",\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"mess ; " + (streamSteps.EndsWith("HOLD", StringComparison.Ordinal) ? "HOLD" : "CUT"));

    private static string Error(string message, string? code, int? number = null) =>
        $$$"""JS {"error":{"message":"{{{message}}}","type":"error","param":null,"code":{{{(code is null ? number?.ToString(CultureInfo.InvariantCulture) ?? "null" : $"\"{code}\"")}}}}}""";

    private static string Text(string macro) => Encoding.UTF8.GetString(ScriptText.Bytes(macro));

    /// <summary>Twenty pieces, a moment apart.</summary>
    private static string Drip(string text) =>
        string.Join('\n', text.Chunk(text.Length / 20 + 1).Select(static piece => "W " + new string(piece) + "\n~20"));
}
