namespace Fairlead.Fleet.Workers;

/// <summary>Where a worker answers OpenAI's dialect.</summary>
/// <param name="BaseUrl">What a route's path is appended to, e.g. <c>http://worker/v1</c>. Where there is a socket its host names no place.</param>
/// <param name="Socket">Path of a Unix socket that is connected to instead of the URL's host; null for a loopback port.</param>
/// <param name="Model">What its requests have to call the model; null: whatever the caller wrote.</param>
public sealed record WorkerAddress(Uri BaseUrl, string? Socket, string? Model);
