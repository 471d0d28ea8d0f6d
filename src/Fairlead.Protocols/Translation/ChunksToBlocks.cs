using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Translation;

/// <summary>Tells a stream of chunks as the events of a message.</summary>
internal sealed class ChunksToBlocks : ChunkTeller
{
    private static readonly (string Name, TextKind Kind)[] Texts =
        [("reasoning_content", TextKind.Reasoning), ("reasoning", TextKind.Reasoning), ("content", TextKind.Content), ("refusal", TextKind.Refusal)];

    private readonly StreamExpectations _expected;
    private readonly StreamEnvelope _envelope;
    private readonly BlockWriter _blocks = new();
    private string? _finish;
    private bool _refused;

    private ChunksToBlocks(in StreamExpectations expected, StreamEnvelope envelope)
    {
        _expected = expected;
        _envelope = envelope;
    }

    /// <summary>A reader of chunks for a caller who came by Anthropic's door.</summary>
    /// <param name="expected">The request.</param>
    /// <param name="framing">How the body is divided.</param>
    public static ChunkStream Open(in StreamExpectations expected, StreamFraming framing)
    {
        StreamExpectations chat = expected with { Route = Route.Chat };
        var envelope = new StreamEnvelope(chat, isToldOnce: true);
        return new ChunkStream(chat, framing, envelope, new ChunksToBlocks(expected, envelope));
    }

    /// <inheritdoc/>
    /// <remarks>Of two texts in one event the look does not tell which is which.</remarks>
    public override bool CanTell(ChunkGlance glance) => !glance.HasThinkingBlocks && (glance.ContentBytes == 0 || glance.Text.End.Value > 0);

    /// <inheritdoc/>
    public override bool IsVerbatim => false;

    /// <inheritdoc/>
    public override UpstreamFault? Tell(ReadOnlySpan<byte> data, in OrdinaryChunk chunk, PooledBuffer output)
    {
        Begin(output);
        if (chunk.Kind == TextKind.Arguments)
            _blocks.Call(chunk.Call, default, default, data[chunk.Text], output);
        else if (chunk.TextBytes > 0)
            Say(chunk.Kind, data[chunk.Text], output);
        return _blocks.Overflow;
    }

    /// <inheritdoc/>
    public override UpstreamFault? Tell(JsonObject chunk, bool isSemantic, PooledBuffer output)
    {
        Begin(output);
        foreach (JsonNode? node in chunk["choices"] as JsonArray ?? [])
        {
            // A message is one choice; others were not asked for.
            if (node is not JsonObject choice || choice["index"]?.GetValue<int>() != 0)
                continue;
            if (choice["delta"] is JsonObject delta)
                Tell(delta, output);
            if (choice["finish_reason"].AsText() is { } finish)
            {
                _finish = finish;
                return _blocks.End(output);
            }
        }
        return _blocks.Overflow;
    }

    /// <inheritdoc/>
    public override void Close(ReadOnlySpan<byte> reported, in Usage usage, NanoDollars cost, PooledBuffer output)
    {
        Begin(output);
        BlockWriter.Close(StopReasons.From(_finish, _refused), usage, cost, output);
    }

    /// <inheritdoc/>
    public override void Dispose() => _blocks.Dispose();

    private void Begin(PooledBuffer output)
    {
        if (!_blocks.HasBegun)
            _blocks.Begin(_expected.FallbackId, _envelope.Model is { Length: > 0 } model ? model : _expected.FallbackModel, _expected.InputTokensExpected, output);
    }

    private void Say(TextKind kind, ReadOnlySpan<byte> text, PooledBuffer output)
    {
        _refused |= kind == TextKind.Refusal;
        _blocks.Say(kind == TextKind.Reasoning ? BlockWriter.Kind.Thinking : BlockWriter.Kind.Text, text, output);
    }

    private void Tell(JsonObject delta, PooledBuffer output)
    {
        bool signed = delta["thinking_blocks"] is not JsonArray { Count: > 0 };
        foreach ((string name, TextKind kind) in Texts)
        {
            if (kind != TextKind.Reasoning && !signed)
            {
                Sign(delta, output); // thinking comes before what was thought of
                signed = true;
            }
            if (delta[name].AsText() is { Length: > 0 } text)
                Say(kind, Escaped(text), output);
        }
        foreach (JsonNode? node in delta["tool_calls"] as JsonArray ?? [])
        {
            if (node is not JsonObject piece)
                continue;
            var function = piece["function"] as JsonObject;
            _blocks.Call(
                piece["index"]!.GetValue<int>(), Escaped(piece["id"].AsText()), Escaped(function?["name"].AsText()), Escaped(function?["arguments"].AsText()), output);
        }
    }

    /// <summary>Thinking that somebody signed, or sealed: what a caller must be able to send back untouched. Its text has mostly been told as reasoning.</summary>
    private void Sign(JsonObject delta, PooledBuffer output)
    {
        foreach (JsonNode? node in delta["thinking_blocks"] as JsonArray ?? [])
        {
            if (node is not JsonObject block)
                continue;
            if (block["type"].AsText() == "redacted_thinking")
            {
                _blocks.Seal(Escaped(block["data"].AsText()), output);
                continue;
            }
            if (!_blocks.IsThinking)
                _blocks.Say(BlockWriter.Kind.Thinking, Escaped(block["thinking"].AsText()), output);
            if (block["signature"].AsText() is { Length: > 0 } signature)
                _blocks.Sign(Escaped(signature), output);
        }
    }

    private static ReadOnlySpan<byte> Escaped(string? text) =>
        string.IsNullOrEmpty(text) ? default : JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes;
}
