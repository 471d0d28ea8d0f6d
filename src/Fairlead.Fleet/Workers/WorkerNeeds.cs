using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Fairlead.Domain.Fleet;

namespace Fairlead.Fleet.Workers;

/// <summary>Reads what a worker of our own says that it needs, as far as a stranger's word can be believed.</summary>
internal static class WorkerNeeds
{
    /// <summary>Reads what follows <c>needs</c>: <c>{"weights":N,"cache":N,"scratch":N,"kind":"…","context":N,"slots":N,"tools":B,"files":N}</c>, all numbers at least 0.</summary>
    public static bool TryParse(string json, [NotNullWhen(true)] out WorkerFacts? facts)
    {
        facts = null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement said = document.RootElement;
            if (said.ValueKind != JsonValueKind.Object || Count(said, "weights") is not { } weights || Count(said, "cache") is not { } cache || Count(said, "scratch") is not { } scratch
                || (Int128)weights + cache + scratch > long.MaxValue)
                return false;
            string kind = said.TryGetProperty("kind", out JsonElement word) && word.ValueKind == JsonValueKind.String ? word.GetString()! : "unknown";
            bool? tools = said.TryGetProperty("tools", out JsonElement truth) && truth.ValueKind is JsonValueKind.True or JsonValueKind.False ? truth.GetBoolean() : null;
            facts = new WorkerFacts(new MemoryNeed(weights, cache, scratch), kind, Count(said, "context"), (int?)Math.Min(Count(said, "slots") ?? -1, int.MaxValue) is >= 0 and var slots ? slots : null, tools, Count(said, "files") ?? 0);
            return true;
        }
        catch (JsonException)
        {
            return false; // whoever wrote it is told so, with the line
        }
    }

    private static long? Count(JsonElement said, string name) =>
        said.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long count) && count >= 0 ? count : null;
}
