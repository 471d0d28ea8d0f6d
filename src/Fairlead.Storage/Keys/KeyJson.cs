using System.Text.Json.Serialization;

namespace Fairlead.Storage.Keys;

/// <summary>A key's limits as they are stored: plain numbers, so that the domain type may change its shape.</summary>
internal sealed record StoredLimits
{
    public string[]? Models { get; init; }
    public long? BudgetNano { get; init; }
    public string? BudgetPeriod { get; init; }
    public long? RequestsPerMinute { get; init; }
    public long? TokensPerMinute { get; init; }
    public int? Parallel { get; init; }
    public bool? WaitForModel { get; init; }
    public bool? Successors { get; init; }
    public long? ExpiresMs { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StoredLimits))]
internal sealed partial class KeyJson : JsonSerializerContext;
