using Fairlead.Domain.Problems;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Checks the form of <c>prompt</c> and <c>input</c>: a text, texts, token ids, or lists of token ids.</summary>
internal static class InputReader
{
    public static Problem? ReadPrompt(ref JsonCursor cursor) => Read(ref cursor, "prompt", RequestLimits.Default.EmbeddingInputs, emptyTextAllowed: true);

    public static Problem? ReadInput(ref JsonCursor cursor, int most) => Read(ref cursor, "input", most, emptyTextAllowed: false);

    private static Problem? Read(ref JsonCursor cursor, string name, int most, bool emptyTextAllowed)
    {
        const string Expected = "a string, an array of strings, or arrays of token ids";
        if (ValueReader.Wrong(ref cursor, name, Expected, JsonKind.String, JsonKind.Array) is { } wrong)
            return wrong;
        if (cursor.Peek() == JsonKind.String)
        {
            cursor.ReadString(out ReadOnlySpan<byte> text, out _);
            return text.IsEmpty && !emptyTextAllowed && cursor.Fault is null ? Empty(name) : null;
        }
        cursor.Enter();
        bool first = true;
        int count = 0;
        JsonKind all = 0;
        while (cursor.NextElement(ref first))
        {
            JsonKind kind = cursor.Peek();
            if (ValueReader.Wrong(ref cursor, $"{name}[{count}]", "a string, a token id, or an array of token ids", JsonKind.String, JsonKind.Number, JsonKind.Array) is { } bad)
                return bad;
            if (all != 0 && kind != all && cursor.Fault is null)
                return new Problem(ProblemKind.FieldInvalid, $"'{name}' mixes kinds: all its entries must be strings, or all token ids, or all arrays of token ids.", name);
            all = kind;
            cursor.Skip();
            count++;
            if (count > most && all != JsonKind.Number)
                return new Problem(ProblemKind.BodyTooLarge, $"'{name}' has more than {most} entries. Split it into several requests.", name);
        }
        return count == 0 && cursor.Fault is null ? Empty(name) : null;
    }

    private static Problem Empty(string name) => new(ProblemKind.FieldInvalid, $"'{name}' is empty; at least one text or token is expected.", name);
}
