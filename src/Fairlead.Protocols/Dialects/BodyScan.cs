using System.Text.Unicode;
using Fairlead.Domain.Problems;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Dialects;

/// <summary>What is read of a request, member by member, and what comes of it; one for each dialect of a door.</summary>
internal interface IRequestDraft
{
    /// <summary>Names that this dialect gives a meaning.</summary>
    KnownMembers Known { get; }

    /// <summary>The top-level members in their order; the scan notes them.</summary>
    List<TopMember> Members { get; }

    /// <summary>Reads the value of one member; the cursor stands before it and behind it afterwards.</summary>
    Problem? Read(string name, ref JsonCursor cursor, ReadOnlySpan<byte> body);

    /// <summary>What can only be said when all members are known.</summary>
    Problem? Check();

    /// <summary>The request, after a check that found nothing.</summary>
    ScannedRequest Finish(int bodyBytes);
}

/// <summary>Reads a request body once, forwards: checks that it is JSON we take and hands its top-level members to a draft.</summary>
/// <remarks>The body is not turned into objects. Members that no draft knows are checked as JSON and otherwise left alone: they are the provider's business.</remarks>
internal static class BodyScan
{
    /// <summary>Exactly one of the result and <paramref name="problem"/> is not null.</summary>
    public static ScannedRequest? Run(IRequestDraft draft, ReadOnlySpan<byte> body, RequestLimits limits, out Problem? problem)
    {
        problem = Precheck(body) ?? ReadMembers(draft, body, limits) ?? draft.Check();
        return problem is null ? draft.Finish(body.Length) : null;
    }

    /// <summary>Refuses what nobody may send, and passes over the value of a member that has no meaning here.</summary>
    public static Problem? Unknown(KnownMembers known, string name, ref JsonCursor cursor)
    {
        if (DestinationFields.Contains(name))
        {
            return new Problem(ProblemKind.ProviderFieldRefused,
                $"The field '{name}' would choose where this server connects or what it says there, and that is the operator's to decide. Remove it; providers are set in the configuration.", name);
        }
        if (known.DifferingInCase(name) is { } other)
        {
            return new Problem(ProblemKind.FieldInvalid,
                $"The field '{ValueReader.Show(name)}' differs from '{other}' only in its spelling, and some providers would take it for that. Write '{other}'.", other);
        }
        cursor.Skip();
        return null;
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

    private static Problem? ReadMembers(IRequestDraft draft, ReadOnlySpan<byte> body, RequestLimits limits)
    {
        var cursor = new JsonCursor(body, limits.Json, MemberNames.ForOneText());
        if (cursor.Peek() != JsonKind.Object)
            return cursor.Fault is { } fault ? Malformed(fault) : Malformed("The body is JSON, but not an object. Send {\"model\": …}.");
        if (!cursor.Enter())
            return Malformed(cursor.Fault!);
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> raw, out bool escaped))
        {
            string name = draft.Known.Intern(raw, escaped);
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

    private static Problem Malformed(JsonFault fault) => fault.Repeated is { } name
        ? new(ProblemKind.BodyMalformed, $"The field '{ValueReader.Show(name)}' stands twice in one object (byte {fault.Offset}): we and the provider might read different ones. Send it once.", ValueReader.Show(name) is { Length: > 0 } shown ? shown : null)
        : Malformed($"The body is not JSON we can read: at byte {fault.Offset} {fault.Reason}. Check how the client builds it.");

    private static Problem Malformed(string message) => new(ProblemKind.BodyMalformed, message);
}
