using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Dialects;

namespace Fairlead.Protocols.OpenAi;

/// <summary>What became of one event on the slow path.</summary>
/// <param name="Chunk">For the caller; null when nothing of it is.</param>
/// <param name="IsSemantic">It says something, or ends a choice.</param>
/// <param name="ContentEvents">Choices that it brought content for.</param>
/// <param name="ContentBytes">Bytes of that content.</param>
/// <param name="OverLimit">Every choice has now reached the caller's limit or its own end.</param>
/// <param name="Fault">Set when the stream cannot go on.</param>
internal readonly record struct RepairedChunk(
    JsonObject? Chunk, bool IsSemantic, int ContentEvents, int ContentBytes, bool OverLimit, UpstreamFault? Fault);

/// <summary>Mends streamed events that OpenAI's own clients would stumble over, and keeps what must not change within a stream.</summary>
internal sealed class ChunkRepair(StreamExpectations expected, StreamEnvelope envelope)
{
    /// <summary>OpenAI's Node helper throws at the number 128 (F147).</summary>
    private const int MostChoices = 128;

    private readonly ChoiceRepair?[] _choices = new ChoiceRepair?[MostChoices];

    /// <summary>Something was said in any choice.</summary>
    public bool AnyContent => Begun.Any(static c => c.ContentEvents > 0);

    /// <summary>At least one choice has begun and each of them has a reason to finish.</summary>
    public bool AllFinished => Begun.Any() && Begun.All(static c => c.Finished);

    /// <summary>A choice that has not finished broke off inside the arguments of a tool call.</summary>
    public bool BrokeOffInCall => Begun.Any(static c => !c.Finished && c.IsIncomplete);

    private IEnumerable<ChoiceRepair> Begun => _choices.OfType<ChoiceRepair>();

    private bool IsChat => expected.Route == Route.Chat;

    /// <summary>State of the choice that plain events belong to.</summary>
    public ChoiceRepair First => _choices[0] ??= new ChoiceRepair(expected.FallbackId, 0);

    /// <summary>A plain event passes as it is: its choice has its role, or the event brings it, the choice goes on, and the envelope is the stream's.</summary>
    public bool Admits(ChunkGlance glance) =>
        MayGoOn(glance.HasRole)
        && !(glance.HasRole && First.HasRole && glance.ContentBytes == 0) // says nothing but the role again
        && envelope.Admits(glance);

    /// <summary>Choice 0 takes plain events.</summary>
    public bool MayGoOn(bool bringsRole) => _choices[0] is { } first
        ? !first.Finished && !first.HoldsHalf && (first.HasRole || bringsRole || !IsChat)
        : bringsRole || !IsChat;

    /// <summary>Takes usage away from a chunk and returns it; null when it has none.</summary>
    public static JsonObject? TakeUsage(JsonObject chunk)
    {
        var usage = chunk["usage"] as JsonObject;
        if (chunk["x_groq"] is JsonObject groq)
        {
            usage ??= groq["usage"] as JsonObject;
            groq.Remove("usage");
        }
        bool isNull = chunk.ContainsKey("usage") && chunk["usage"] is null;
        if (!isNull)
            chunk.Remove("usage");
        return usage;
    }

    /// <summary>Brings one event into form.</summary>
    /// <param name="chunk">The event, without usage; changed in place.</param>
    /// <param name="halves">It holds halves of characters.</param>
    /// <param name="isOver">Whether a choice that has said so many pieces may not say another.</param>
    public RepairedChunk Repair(JsonObject chunk, bool halves, Func<long, bool> isOver)
    {
        chunk.Remove("obfuscation");
        chunk.Remove("error"); // null, false or empty, or we were not here: Hugging Face's client throws at the name alone
        if (!expected.UsageAsked)
            chunk.Remove("usage");
        if (chunk["choices"] is not JsonArray { Count: > 0 } choices)
            return default;

        bool semantic = false;
        bool over = false;
        int events = 0;
        int bytes = 0;
        for (int i = 0; i < choices.Count; i++)
        {
            if (choices[i] is not JsonObject choice || IndexOf(choice) is not { } index)
                return Failed("A choice has no usable number.");
            ChoiceRepair state = _choices[index] ??= new ChoiceRepair(expected.FallbackId, index);
            bool hadRole = state.HasRole;
            ChoiceRepair.Result result = state.Repair(choice, IsChat, halves);
            if (result.Fault is { } fault)
                return new RepairedChunk(null, false, 0, 0, false, fault);
            if (!result.Keep)
            {
                choices.RemoveAt(i--);
                continue;
            }
            if (result.Content > 0 && isOver(state.ContentEvents))
            {
                over = true;
                state.HasRole = hadRole; // what was to tell it is not relayed
                choices[i] = End(index, state, "length");
            }
            else if (result.Content > 0)
            {
                state.ContentEvents++;
                events++;
                bytes += result.Content;
            }
            semantic |= result.Content > 0 || state.Finished;
        }
        if (choices.Count == 0)
            return default;
        envelope.Put(chunk);
        return new RepairedChunk(chunk, semantic, events, bytes, over && AllFinished && Begun.Count() >= expected.Choices, null);
    }

    /// <summary>Chunks that finish every choice that has not finished.</summary>
    public IEnumerable<JsonObject> MissingFinishes(string reason)
    {
        for (int index = 0; index < MostChoices; index++)
        {
            if (_choices[index] is not { Finished: false } choice)
                continue;
            JsonObject chunk = envelope.Chunk();
            chunk["choices"] = new JsonArray(End(index, choice, choice.Reason(reason)));
            yield return chunk;
        }
    }

    private JsonObject End(int index, ChoiceRepair choice, string reason)
    {
        choice.Finished = true;
        var end = new JsonObject { ["index"] = index };
        if (IsChat)
            end["delta"] = choice.HasRole ? new JsonObject() : new JsonObject { ["role"] = "assistant" };
        else
            end["text"] = "";
        end["finish_reason"] = reason;
        choice.HasRole = true;
        return end;
    }

    /// <summary>Null when it is no whole number from 0 to 127; absent counts as 0.</summary>
    private static int? IndexOf(JsonObject choice)
    {
        if (choice["index"] is not { } node)
            return 0;
        return node is JsonValue value && value.TryGetValue(out int index) && index is >= 0 and < MostChoices ? index : null;
    }

    private static RepairedChunk Failed(string detail) => new(null, false, 0, 0, false, new UpstreamFault(FaultKind.Malformed, detail, 200));
}
