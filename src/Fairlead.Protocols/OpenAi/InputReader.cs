using Fairlead.Domain.Problems;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Checks the form of <c>prompt</c> and <c>input</c>: a text, texts, token ids, or lists of token ids.</summary>
internal static class InputReader
{
    /// <param name="cursor">Stands before the value.</param>
    /// <param name="body">The whole body.</param>
    /// <param name="most">Entries at most; each is answered by itself.</param>
    /// <param name="entries">Texts or token lists found.</param>
    public static Problem? ReadPrompt(ref JsonCursor cursor, ReadOnlySpan<byte> body, int most, out int entries) =>
        Read(ref cursor, body, "prompt", most, emptyTextAllowed: true, out entries);

    /// <inheritdoc cref="ReadPrompt"/>
    public static Problem? ReadInput(ref JsonCursor cursor, ReadOnlySpan<byte> body, int most) =>
        Read(ref cursor, body, "input", most, emptyTextAllowed: false, out _);

    private static Problem? Read(ref JsonCursor cursor, ReadOnlySpan<byte> body, string name, int most, bool emptyTextAllowed, out int entries)
    {
        entries = 1;
        if (ValueReader.Wrong(ref cursor, name, "a string, an array of strings, or arrays of token ids", JsonKind.String, JsonKind.Array) is { } wrong)
            return wrong;
        if (cursor.Peek() != JsonKind.Array)
            return ReadText(ref cursor) || emptyTextAllowed || cursor.Fault is not null ? null : Empty(name, name);
        cursor.Enter();
        bool first = true;
        int count = 0;
        bool anyText = false; // an empty text among others is for the provider to refuse: some, and models of one's own, have a vector for it
        JsonKind all = 0;
        while (cursor.NextElement(ref first))
        {
            JsonKind kind = cursor.Peek();
            if (ValueReader.Wrong(ref cursor, $"{name}[{count}]", "a string, a token id, or an array of token ids", JsonKind.String, JsonKind.Number, JsonKind.Array) is { } bad)
                return bad;
            if (all != 0 && kind != all && cursor.Fault is null)
                return new Problem(ProblemKind.FieldInvalid, $"'{name}' mixes kinds: all its entries must be strings, or all token ids, or all arrays of token ids.", name);
            if (count == most && kind != JsonKind.Number)
                return new Problem(ProblemKind.BodyTooLarge, $"'{name}' has more than {most} entries. Split it into several requests.", name);
            all = kind;
            if (kind == JsonKind.String)
                anyText |= ReadText(ref cursor);
            Problem? problem = kind switch
            {
                JsonKind.String => null,
                JsonKind.Array => ReadTokens(ref cursor, body, name, count),
                _ => ReadToken(ref cursor, body, name, count),
            };
            if (problem is not null)
                return problem;
            count++;
        }
        entries = all == JsonKind.Number ? 1 : count;
        bool nothing = count == 0 || (all == JsonKind.String && !anyText && !emptyTextAllowed);
        return nothing && cursor.Fault is null ? Empty(name, name) : null;
    }

    /// <summary>Whether the text has any character.</summary>
    private static bool ReadText(ref JsonCursor cursor) => cursor.ReadString(out ReadOnlySpan<byte> text, out _) && !text.IsEmpty;

    private static Problem? ReadTokens(ref JsonCursor cursor, ReadOnlySpan<byte> body, string name, int entry)
    {
        cursor.Enter();
        bool first = true;
        bool any = false;
        while (cursor.NextElement(ref first))
        {
            if (ReadToken(ref cursor, body, name, entry) is { } problem)
                return problem;
            any = true;
        }
        return any || cursor.Fault is not null ? null : Empty(name, $"{name}[{entry}]");
    }

    private static Problem? ReadToken(ref JsonCursor cursor, ReadOnlySpan<byte> body, string name, int entry) =>
        cursor.Skip(out Range range) && body[range].ContainsAnyExceptInRange((byte)'0', (byte)'9')
            ? new Problem(ProblemKind.FieldInvalid, $"'{name}[{entry}]' holds something else than token ids, which are whole numbers from 0. Send text or the ids of the model's tokenizer.", name)
            : null;

    private static Problem Empty(string name, string place) =>
        new(ProblemKind.FieldInvalid, $"'{place}' is empty; at least one text or token is expected.", name);
}
