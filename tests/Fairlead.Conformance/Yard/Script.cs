using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Fairlead.Yard;

public enum StepKind
{
    /// <summary>One socket write, flushed.</summary>
    Write,

    /// <summary>A pause.</summary>
    Wait,

    /// <summary>Nothing more, until the other side hangs up.</summary>
    Hold,

    /// <summary>The body ends as HTTP wants it; the connection stays for the next request.</summary>
    End,

    /// <summary>The body ends as HTTP wants it, then the connection closes.</summary>
    Fin,

    /// <summary>The connection closes without the end of the body.</summary>
    Cut,

    /// <summary>A TCP reset.</summary>
    Reset,
}

/// <summary>One step of a script.</summary>
/// <param name="Kind">What is done.</param>
/// <param name="Bytes">What a <see cref="StepKind.Write"/> writes.</param>
/// <param name="Times">How often it is written, in as many writes.</param>
/// <param name="Pause">How long a <see cref="StepKind.Wait"/> waits.</param>
public sealed record Step(StepKind Kind, byte[] Bytes, int Times = 1, TimeSpan Pause = default);

/// <summary>What a scripted server answers to one request: a head, then writes, pauses and an ending.</summary>
/// <remarks>
/// The notation: head lines first, then steps, one a line or separated by <c> ; </c>.
/// Head lines: <c>SSE</c>, <c>JS</c>, <c>502 JS</c>, <c>429 text/html</c>, <c>name: value</c>, <c>RAW</c> (no head is written: the writes are the wire), <c>GZIP</c>
/// (the body is compressed, with a flush at each write). After <c>JS</c> a body may follow on the same line.
/// Steps: <c>W text</c> is exactly one write; <c>W*200 text</c> is that write 200 times; <c>~250</c> a pause in milliseconds; <c>HOLD</c> waits for the caller to hang up;
/// <c>END</c> (also when nothing is said), <c>FIN</c>, <c>CUT</c>, <c>RST</c> end it. Escapes <c>\n \r \t \\ \xNN</c> are bytes; any other backslash stays.
/// Macros: <c>ck(D)</c> chunk with delta D, <c>fk(R)</c> chunk with finish_reason R, <c>uk(P,C)</c> usage chunk, <c>ev(N,J)</c> named event, <c>done</c>, <c>full(T)</c> whole completion.
/// </remarks>
public sealed partial record Script(int Status, IReadOnlyList<KeyValuePair<string, string>> Headers, bool Raw, bool Gzip, IReadOnlyList<Step> Steps)
{
    /// <summary>The smallest good stream: "Hi", stop, usage 3/1.</summary>
    public const string GoodStream = """
        SSE
        W ck({"role":"assistant","content":""})
        W ck({"content":"Hi"}) ; W fk(stop) ; W uk(3,1) ; W done
        """;

    /// <summary>The smallest good answer: "Hi", stop, usage 3/2.</summary>
    public const string GoodWhole = "JS\nW full(Hi)";

    /// <summary>Reads the notation; throws <see cref="FormatException"/> with the line where it cannot.</summary>
    public static Script Parse(string text)
    {
        int status = 200;
        bool raw = false;
        bool gzip = false;
        var headers = new List<KeyValuePair<string, string>>();
        var steps = new List<Step>();
        bool inHead = true;
        foreach (string rawLine in text.ReplaceLineEndings("\n").Split('\n'))
        {
            string line = rawLine.TrimStart();
            if (line.Trim().Length == 0)
                continue;
            if (inHead && !IsStep(line))
            {
                Head(line.Trim(), headers, steps, ref status, ref raw, ref gzip);
                continue;
            }
            inHead = false;
            foreach (string step in Separator().Split(line))
                steps.Add(ReadStep(step));
        }
        if (steps.Count == 0 || steps[^1].Kind is StepKind.Write or StepKind.Wait)
            steps.Add(new Step(StepKind.End, []));
        return new Script(status, headers, raw, gzip, steps);
    }

    private static bool IsStep(string line) => StepStart().IsMatch(line);

    private static void Head(string line, List<KeyValuePair<string, string>> headers, List<Step> steps, ref int status, ref bool raw, ref bool gzip)
    {
        if (line.Length >= 3 && int.TryParse(line.AsSpan(0, 3), out int code) && (line.Length == 3 || line[3] == ' '))
        {
            status = code;
            line = line[3..].TrimStart();
            if (line.Length == 0)
                return;
        }
        switch (line)
        {
            case "SSE":
                headers.Add(new("content-type", "text/event-stream; charset=utf-8"));
                return;
            case "RAW":
                raw = true;
                return;
            case "GZIP":
                gzip = true;
                headers.Add(new("content-encoding", "gzip"));
                return;
        }
        if (line == "JS" || line.StartsWith("JS ", StringComparison.Ordinal))
        {
            headers.Add(new("content-type", "application/json"));
            if (line.Length > 3)
                steps.Add(new Step(StepKind.Write, ScriptText.Bytes(line[3..])));
            return;
        }
        int colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 && line.Contains('/', StringComparison.Ordinal) && !line.Contains(' ', StringComparison.Ordinal))
            headers.Add(new("content-type", line));
        else if (colon > 0)
            headers.Add(new(line[..colon].Trim(), line[(colon + 1)..].Trim()));
        else
            throw new FormatException($"Not a head line of a script: {line}");
    }

    private static Step ReadStep(string text)
    {
        string step = text.TrimStart();
        if (step.StartsWith('~'))
            return new Step(StepKind.Wait, [], Pause: TimeSpan.FromMilliseconds(int.Parse(step.AsSpan(1).Trim(), CultureInfo.InvariantCulture)));
        switch (step.Trim())
        {
            case "HOLD": return new Step(StepKind.Hold, []);
            case "END": return new Step(StepKind.End, []);
            case "FIN": return new Step(StepKind.Fin, []);
            case "CUT": return new Step(StepKind.Cut, []);
            case "RST": return new Step(StepKind.Reset, []);
        }
        Match write = WriteStep().Match(step);
        if (!write.Success)
            throw new FormatException($"Not a step of a script: {step}");
        int times = write.Groups["times"].Success ? int.Parse(write.Groups["times"].ValueSpan, CultureInfo.InvariantCulture) : 1;
        return new Step(StepKind.Write, ScriptText.Bytes(write.Groups["text"].Value), times);
    }

    [GeneratedRegex(@"^(W(\*\d+)? |~\d+|(HOLD|END|FIN|CUT|RST)\s*($|;))", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex StepStart();

    [GeneratedRegex(@" ; (?=(?:W(?:\*\d+)? |~\d+|(?:HOLD|END|FIN|CUT|RST)\s*(?:$|;)))", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Separator();

    [GeneratedRegex(@"^W(\*(?<times>\d+))? (?<text>.*)$", RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex WriteStep();
}

/// <summary>The text of a write: macros expanded, escapes made bytes.</summary>
public static class ScriptText
{
    /// <summary>What the write puts on the wire.</summary>
    public static byte[] Bytes(string text)
    {
        using var output = new MemoryStream();
        int at = 0;
        while (at < text.Length)
        {
            if (TryMacro(text, at, out string expanded, out int end))
            {
                output.Write(Unescape(expanded));
                at = end;
                // Macros may stand beside each other in one write; the blanks between them are the notation's.
                int next = at;
                while (next < text.Length && text[next] == ' ')
                    next++;
                if (next == text.Length || TryMacro(text, next, out _, out _))
                    at = next;
                continue;
            }
            output.Write(Unescape(text[at..]));
            break;
        }
        return output.ToArray();
    }

    /// <summary>A chunk with this delta, as its event.</summary>
    public static string Chunk(string delta, string finish = "null") =>
        $$"""data: {"id":"c1","object":"chat.completion.chunk","created":1700000000,"model":"m1","choices":[{"index":0,"delta":{{delta}},"finish_reason":{{finish}}}]}\n\n""";

    private static bool TryMacro(string text, int at, out string expanded, out int end)
    {
        expanded = "";
        end = at;
        if (text.AsSpan(at).Trim().SequenceEqual("done") || text.AsSpan(at).StartsWith("done "))
        {
            expanded = @"data: [DONE]\n\n";
            end = at + 4;
            return true;
        }
        int open = text.IndexOf('(', at);
        if (open < 0 || text[at..open] is not ("ck" or "fk" or "uk" or "ev" or "full"))
            return false;
        int close = Close(text, open);
        string argument = text[(open + 1)..close];
        expanded = text[at..open] switch
        {
            "ck" => Chunk(argument),
            "fk" => Chunk("{}", $"\"{argument}\""),
            "uk" => Usage(argument.Split(',')),
            "ev" => $@"event: {argument[..argument.IndexOf(',')]}\ndata: {argument[(argument.IndexOf(',') + 1)..]}\n\n",
            _ => $$$"""{"id":"c1","object":"chat.completion","created":1700000000,"model":"m1","choices":[{"index":0,"message":{"role":"assistant","content":"{{{argument}}}"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}""",
        };
        end = close + 1;
        return true;
    }

    private static string Usage(string[] counts)
    {
        long input = long.Parse(counts[0], CultureInfo.InvariantCulture);
        long output = long.Parse(counts[1], CultureInfo.InvariantCulture);
        return $$$"""data: {"id":"c1","object":"chat.completion.chunk","created":1700000000,"model":"m1","choices":[],"usage":{"prompt_tokens":{{{input}}},"completion_tokens":{{{output}}},"total_tokens":{{{input + output}}}}}\n\n""";
    }

    /// <summary>The parenthesis that closes the one at <paramref name="open"/>; those inside JSON strings do not count.</summary>
    private static int Close(string text, int open)
    {
        int depth = 0;
        bool quoted = false;
        for (int i = open; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = !quoted;
            else if (quoted)
                continue;
            else if (c == '(')
                depth++;
            else if (c == ')' && --depth == 0)
                return i;
        }
        throw new FormatException($"A macro is not closed: {text[open..]}");
    }

    private static byte[] Unescape(string text)
    {
        using var output = new MemoryStream();
        int from = 0;
        for (int i = 0; i + 1 < text.Length; i++)
        {
            if (text[i] != '\\')
                continue;
            int taken = 2;
            int value = text[i + 1] switch
            {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '\\' => '\\',
                'x' when i + 3 < text.Length && byte.TryParse(text.AsSpan(i + 2, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out byte hex) => hex + ((taken = 4) * 0),
                _ => -1,
            };
            if (value < 0)
            {
                i++; // an escape of JSON's own: both characters stay
                continue;
            }
            output.Write(Encoding.UTF8.GetBytes(text[from..i]));
            output.WriteByte((byte)value);
            i += taken - 1;
            from = i + 1;
        }
        output.Write(Encoding.UTF8.GetBytes(text[from..]));
        return output.ToArray();
    }
}
