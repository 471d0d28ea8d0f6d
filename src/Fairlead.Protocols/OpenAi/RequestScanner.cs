using System.Text.Unicode;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Faults;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Reads a request body once, forwards: checks that it is JSON we take, and reads off it what routing, limits and metering need.</summary>
/// <remarks>The body is not turned into objects. Members we do not know are checked as JSON and otherwise left alone: they are the provider's business.</remarks>
public static class RequestScanner
{
    /// <summary>Exactly one of the result and <paramref name="problem"/> is not null.</summary>
    public static ScannedRequest? Scan(Route route, ReadOnlySpan<byte> body, RequestLimits limits, out Problem? problem)
    {
        var draft = new RequestDraft(route, limits);
        problem = Precheck(body) ?? ReadMembers(body, limits, draft) ?? draft.Check();
        return problem is null ? draft.Finish(body.Length) : null;
    }

    private static Problem? Precheck(ReadOnlySpan<byte> body)
    {
        if (body.IsEmpty)
            return Malformed("The body is empty. Send a JSON object, for example {\"model\": \"…\", \"messages\": […]}.");
        if (body.StartsWith("\uFEFF"u8))
            return Malformed("The body begins with a byte order mark, which JSON does not allow. Send plain UTF-8.");
        if (!Utf8.IsValid(body))
            return Malformed("The body is not valid UTF-8. Encode it as UTF-8 and send it again.");
        return null;
    }

    private static Problem? ReadMembers(ReadOnlySpan<byte> body, RequestLimits limits, RequestDraft draft)
    {
        var cursor = new JsonCursor(body, limits.Json, MemberNames.ForOneText());
        if (cursor.Peek() != JsonKind.Object)
            return cursor.Fault is { } fault ? Malformed(fault) : Malformed("The body is JSON, but not an object. Send {\"model\": …}.");
        if (!cursor.Enter())
            return Malformed(cursor.Fault!);
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> raw, out bool escaped))
        {
            string name = KnownMembers.Intern(raw, escaped);
            int start = cursor.NameStart; // the name as written and what stands between it and the value go through as they came
            if (draft.Members.Count >= limits.TopMembers)
                return Malformed($"The body has more than {limits.TopMembers} top-level fields. Remove those that no provider knows.");
            int before = cursor.Position;
            Problem? problem = draft.Read(name, ref cursor, body);
            if (cursor.Fault is { } bad)
                return Malformed(bad);
            if (problem is not null)
                return problem;
            int valueStart = before;
            while (body[valueStart] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
                valueStart++;
            draft.Members.Add(new TopMember(name, start..cursor.Position, valueStart..cursor.Position));
        }
        return cursor.AtEnd() ? null : Malformed(cursor.Fault!);
    }

    /// <summary>A name from a body, fit for a message.</summary>
    internal static string Show(string name) => Redaction.Clean(name, 60);

    private static Problem Malformed(JsonFault fault) => fault.Repeated is { } name
        ? new(ProblemKind.BodyMalformed, $"The field '{Show(name)}' stands twice in one object (byte {fault.Offset}): we and the provider might read different ones. Send it once.", Show(name) is { Length: > 0 } shown ? shown : null)
        : Malformed($"The body is not JSON we can read: at byte {fault.Offset} {fault.Reason}. Check how the client builds it.");

    private static Problem Malformed(string message) => new(ProblemKind.BodyMalformed, message);
}
