using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Buffers;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Tells a caller what a stream of chunks says, in the form of its door.</summary>
internal abstract class ChunkTeller : IDisposable
{
    /// <summary>An ordinary event can be told from one look at it.</summary>
    public abstract bool CanTell(ChunkGlance glance);

    /// <summary>An ordinary event leaves as it came, so that a call's number in it must be the one that the caller knows.</summary>
    public abstract bool IsVerbatim { get; }

    /// <summary>An ordinary event. Allocates nothing.</summary>
    /// <param name="data">The event as it came.</param>
    /// <param name="chunk">What was seen in it.</param>
    /// <param name="output">The caller's bytes.</param>
    /// <returns>Set when the stream cannot go on.</returns>
    public abstract UpstreamFault? Tell(ReadOnlySpan<byte> data, in OrdinaryChunk chunk, PooledBuffer output);

    /// <summary>A mended event.</summary>
    /// <param name="chunk">The event, without usage.</param>
    /// <param name="isSemantic">It says something, or ends a choice.</param>
    /// <param name="output">The caller's bytes.</param>
    /// <returns>Set when the stream cannot go on.</returns>
    public abstract UpstreamFault? Tell(JsonObject chunk, bool isSemantic, PooledBuffer output);

    /// <summary>What is terminal.</summary>
    /// <param name="reported">The upstream's usage object; empty when it sent none.</param>
    /// <param name="usage">What is charged.</param>
    /// <param name="cost">The charge.</param>
    /// <param name="output">The caller's bytes.</param>
    public abstract void Close(ReadOnlySpan<byte> reported, in Usage usage, NanoDollars cost, PooledBuffer output);

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>An ordinary event, as one look at it saw it.</summary>
/// <param name="Kind">What its text is.</param>
/// <param name="Text">Its only text, between its quotes; empty when there is none, or more than one.</param>
/// <param name="TextBytes">Bytes of all its texts; 0 when it says nothing.</param>
/// <param name="Cut">A member that an OpenAI client does not get, with its comma; empty when there is none.</param>
/// <param name="LaterCut">Another one behind it.</param>
/// <param name="Call">With <see cref="TextKind.Arguments"/>, the number of the call.</param>
internal readonly record struct OrdinaryChunk(TextKind Kind, Range Text, int TextBytes, Range Cut, Range LaterCut, int Call);

/// <summary>What a text of a delta is.</summary>
internal enum TextKind : byte
{
    Content = 0,
    Reasoning = 1,
    Refusal = 2,

    /// <summary>A further piece of the arguments of a tool call.</summary>
    Arguments = 3,
}
