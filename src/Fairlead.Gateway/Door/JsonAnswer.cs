using System.Text.Json;
using Fairlead.Protocols.Buffers;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway.Door;

/// <summary>Sends a JSON document that is written by hand, whole and with its length.</summary>
internal static class JsonAnswer
{
    public static async Task WriteAsync(HttpContext http, int status, Action<Utf8JsonWriter> write)
    {
        using var body = new PooledBuffer(4096);
        using (var json = new Utf8JsonWriter(body))
            write(json);
        HttpResponse response = http.Response;
        response.StatusCode = status;
        response.ContentType = "application/json";
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
            await response.Body.WriteAsync(body.Memory, http.RequestAborted);
    }
}
