using System.Buffers;
using System.Text.Json;
using Fairlead.Protocols.Dialects;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Writes the body that goes upstream: the caller's bytes, with the model's name spliced in and our own fields left out.
/// A member is written anew only where a quirk of the provider touches it.</summary>
public static class UpstreamBodyWriter
{
    private static readonly SearchValues<char> PlainCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@+~ ");

    public static void Write(ReadOnlySpan<byte> body, ScannedRequest request, in BodyEdits edits, IBufferWriter<byte> output)
    {
        bool usage = edits.ForceUsage && request.Request.Stream && !edits.Quirks.Has(RequestQuirks.NoStreamOptions);
        bool first = true;
        bool hasOptions = false;
        output.Write("{"u8);
        foreach (TopMember member in request.Members)
        {
            if (IsDropped(member.Name, request, edits.Quirks))
                continue;
            if (!first)
                output.Write(","u8);
            first = false;
            switch (member.Name)
            {
                case "model":
                    output.Write("\"model\":"u8);
                    WriteString(edits.ProviderModelId, output);
                    break;
                case "stream_options" when usage:
                    hasOptions = true;
                    WriteStreamOptions(body[member.Value], output);
                    break;
                default:
                    if (!QuirkWriter.TryWrite(member.Name, body[member.Value], request, edits.Quirks, output))
                        output.Write(body[member.Whole]);
                    break;
            }
        }
        if (usage && !hasOptions)
        {
            output.Write(first ? ""u8 : ","u8);
            output.Write("\"stream_options\":{\"include_usage\":true}"u8);
        }
        output.Write("}"u8);
    }

    /// <summary>Fields that are ours, that the provider refuses, or that go out under another name already.</summary>
    private static bool IsDropped(string name, ScannedRequest request, RequestQuirks quirks) => name switch
    {
        "models" or "provider" => true,
        "store" => quirks.Has(RequestQuirks.DropStore),
        "stream_options" => quirks.Has(RequestQuirks.NoStreamOptions),
        "seed" => quirks.Has(RequestQuirks.SeedAsRandomSeed) && request.Has("random_seed"), // the provider's own word wins
        _ => OutputLimitWriter.IsDropped(name, request, quirks),
    };

    private static void WriteStreamOptions(ReadOnlySpan<byte> value, IBufferWriter<byte> output)
    {
        output.Write("\"stream_options\":{\"include_usage\":true"u8);
        var reader = new Utf8JsonReader(value);
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool ours = reader.ValueTextEquals("include_usage"u8);
                int start = (int)reader.TokenStartIndex;
                reader.Read();
                reader.Skip();
                if (ours)
                    continue;
                output.Write(","u8);
                output.Write(value[start..(int)reader.BytesConsumed]);
            }
        }
        output.Write("}"u8);
    }

    internal static void WriteString(string text, IBufferWriter<byte> output)
    {
        if (!text.AsSpan().ContainsAnyExcept(PlainCharacters))
        {
            // Names of models nearly always are: no escape, one byte a character.
            Span<byte> room = output.GetSpan(text.Length + 2);
            room[0] = (byte)'"';
            System.Text.Encoding.ASCII.GetBytes(text, room[1..]);
            room[text.Length + 1] = (byte)'"';
            output.Advance(text.Length + 2);
            return;
        }
        JsonEncodedText encoded = JsonEncodedText.Encode(text, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping);
        output.Write("\""u8);
        output.Write(encoded.EncodedUtf8Bytes);
        output.Write("\""u8);
    }
}
