using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Tells a stream of chunks as chunks: ordinary ones as they came.</summary>
internal sealed class ChunkForwarder(StreamExpectations expected, StreamEnvelope envelope) : ChunkTeller
{
    /// <summary>What may gather for the caller before anything is said; further events that say nothing are dropped.</summary>
    private const int MostHeldBack = 64 * 1024;

    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private int _heldBack;
    private bool _hasSpoken;

    /// <inheritdoc/>
    /// <remarks>A piece of a call that repeats what clients concatenate is mended.</remarks>
    public override bool CanTell(ChunkGlance glance) => glance.Kind != TextKind.Arguments || glance.IsBareCall;

    /// <inheritdoc/>
    public override bool IsVerbatim => true;

    /// <inheritdoc/>
    /// <remarks>As it came, without what is cut out of it.</remarks>
    public override UpstreamFault? Tell(ReadOnlySpan<byte> data, in OrdinaryChunk chunk, PooledBuffer output)
    {
        _hasSpoken |= chunk.TextBytes > 0;
        if (IsHeldBackTooLong(data.Length + "data: \n\n".Length))
            return null;
        output.Append("data: "u8);
        int from = 0;
        if (chunk.Cut.End.Value > 0)
        {
            output.Append(data[..chunk.Cut.Start.Value]);
            from = chunk.Cut.End.Value;
        }
        if (chunk.LaterCut.End.Value > 0)
        {
            output.Append(data[from..chunk.LaterCut.Start.Value]);
            from = chunk.LaterCut.End.Value;
        }
        output.Append(data[from..]);
        output.Append("\n\n"u8);
        return null;
    }

    /// <inheritdoc/>
    public override UpstreamFault? Tell(JsonObject chunk, bool isSemantic, PooledBuffer output)
    {
        _hasSpoken |= isSemantic;
        int before = output.Length;
        Append(chunk, output);
        if (IsHeldBackTooLong(output.Length - before))
            output.Truncate(before);
        return null;
    }

    /// <inheritdoc/>
    /// <remarks>The usage chunk, if the caller asked for it, and <c>[DONE]</c>.</remarks>
    public override void Close(ReadOnlySpan<byte> reported, in Usage usage, NanoDollars cost, PooledBuffer output)
    {
        if (expected.UsageAsked)
        {
            JsonObject chunk = envelope.Chunk();
            chunk["choices"] = new JsonArray();
            chunk["usage"] = UsageWriter.Complete(reported, expected.Route, usage, cost);
            Append(chunk, output);
        }
        output.Append("data: [DONE]\n\n"u8);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
    }

    private bool IsHeldBackTooLong(int bytes) => !_hasSpoken && (_heldBack += bytes) > MostHeldBack;

    private static void Append(JsonObject chunk, PooledBuffer output)
    {
        output.Append("data: "u8);
        using (var json = new Utf8JsonWriter(output, Relaxed))
            chunk.WriteTo(json);
        output.Append("\n\n"u8);
    }
}
