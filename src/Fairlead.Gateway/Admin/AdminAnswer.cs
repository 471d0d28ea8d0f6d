using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Fairlead.Api;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway.Admin;

/// <summary>How every route of the admin API reads and answers.</summary>
internal static class AdminAnswer
{
    /// <summary>The body; null after it was refused.</summary>
    public static async Task<T?> ReadAsync<T>(HttpContext http, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            if (await JsonSerializer.DeserializeAsync(http.Request.Body, type, http.RequestAborted) is { } body)
                return body;
            await Refuse(http, 400, "body_malformed", "The body is null; an object is expected.");
        }
        catch (JsonException e)
        {
            await Refuse(http, 400, "body_malformed", "The body is not what this route takes: " + Protocols.Faults.Redaction.Clean(e.Message, 200));
        }
        return null;
    }

    public static async Task Send<T>(HttpContext http, T answer, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(http.Response.Body, answer, type, http.RequestAborted);
    }

    public static Task Refuse(HttpContext http, int status, string code, string message) =>
        Send(http, new ApiError(code, message), ApiJson.Default.ApiError, status);
}
