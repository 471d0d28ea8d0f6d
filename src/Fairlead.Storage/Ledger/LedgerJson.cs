using System.Text.Json.Serialization;
using Fairlead.Domain.Ledger;

namespace Fairlead.Storage.Ledger;

/// <summary>The lists of a decision record as JSON text; enums are words, so that a person with sqlite3 can read them.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<string>))]
[JsonSerializable(typeof(IReadOnlyList<ExcludedOffer>))]
[JsonSerializable(typeof(IReadOnlyList<Attempt>))]
internal sealed partial class LedgerJson : JsonSerializerContext;
