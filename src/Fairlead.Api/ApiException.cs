namespace Fairlead.Api;

/// <summary>The server refused, or is not there.</summary>
/// <param name="status">HTTP status; 0 when nobody answered.</param>
/// <param name="error">What it said.</param>
public sealed class ApiException(int status, ApiError error, Exception? inner = null) : Exception(error.Message, inner)
{
    public int Status { get; } = status;

    public ApiError Error { get; } = error;
}
