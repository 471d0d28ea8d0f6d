using System.Text.Json.Serialization;

namespace Fairlead.Api;

/// <summary>The admin contract's JSON, generated at build time; snake case, unknown members refused.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, WriteIndented = true)]
[JsonSerializable(typeof(ServerStatus))]
[JsonSerializable(typeof(List<ModelView>))]
[JsonSerializable(typeof(List<KeyView>))]
[JsonSerializable(typeof(KeyView))]
[JsonSerializable(typeof(KeyRequest))]
[JsonSerializable(typeof(RotateRequest))]
[JsonSerializable(typeof(NewKey))]
[JsonSerializable(typeof(List<RequestLine>))]
[JsonSerializable(typeof(List<UsageLine>))]
[JsonSerializable(typeof(LedgerReport))]
[JsonSerializable(typeof(List<DoctorCheck>))]
[JsonSerializable(typeof(LocalFleet))]
[JsonSerializable(typeof(LocalModelView))]
[JsonSerializable(typeof(RunRequest))]
[JsonSerializable(typeof(StopReport))]
[JsonSerializable(typeof(LogView))]
[JsonSerializable(typeof(ApiError))]
public sealed partial class ApiJson : JsonSerializerContext;
