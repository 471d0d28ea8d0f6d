using System.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Anthropic;

/// <summary>Writes the body for an upstream of the same dialect: the caller's bytes, with the model's name spliced in and our own fields left out.</summary>
internal static class MessagesBodyWriter
{
    public static void Write(ReadOnlySpan<byte> body, ScannedRequest request, in BodyEdits edits, IBufferWriter<byte> output)
    {
        bool first = true;
        output.Write("{"u8);
        foreach (TopMember member in request.Members)
        {
            if (IsOurs(member, body))
                continue;
            output.Write(first ? ""u8 : ","u8);
            first = false;
            if (member.Name == "model")
            {
                output.Write("\"model\":"u8);
                UpstreamBodyWriter.WriteString(edits.ProviderModelId, output);
            }
            else
            {
                output.Write(body[member.Whole]);
            }
        }
        output.Write("}"u8);
    }

    /// <summary>A list of models to fall back on is read as <c>models</c> and carried out here; <c>"default"</c> is a wish to Anthropic.</summary>
    private static bool IsOurs(TopMember member, ReadOnlySpan<byte> body) =>
        member.Name is "models" or "provider" || (member.Name == "fallbacks" && body[member.Value] is [(byte)'[', ..]);
}
