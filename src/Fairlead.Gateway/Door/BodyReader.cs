using System.IO.Pipelines;
using Fairlead.Domain.Problems;
using Fairlead.Protocols.Buffers;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway.Door;

/// <summary>Reads a request's body whole, within the limit, before anything is parsed.</summary>
internal static class BodyReader
{
    /// <summary>What can be said against a body before a byte of it is read; null when nothing can.</summary>
    public static Problem? RefuseUnread(HttpRequest request, long mostBytes)
    {
        if (request.Headers.ContentEncoding is { Count: > 0 } encoding && !string.Equals(encoding.ToString(), "identity", StringComparison.OrdinalIgnoreCase))
        {
            return new Problem(ProblemKind.MediaTypeUnsupported,
                "The body is compressed (Content-Encoding), and this server reads plain bodies only. Send it without Content-Encoding.");
        }
        if (request.ContentType is { } type && type.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase))
        {
            return new Problem(ProblemKind.MediaTypeUnsupported,
                "This route takes a JSON body, not a form. Send it with 'Content-Type: application/json'.");
        }
        return request.ContentLength > mostBytes ? TooLarge(request.ContentLength, mostBytes) : null;
    }

    /// <summary>Appends the body to <paramref name="body"/>.</summary>
    /// <returns>Null, or why it could not be read.</returns>
    public static async ValueTask<Problem?> ReadAsync(HttpRequest request, long mostBytes, PooledBuffer body, CancellationToken cancellationToken)
    {
        try
        {
            PipeReader reader = request.BodyReader;
            while (true)
            {
                ReadResult read = await reader.ReadAsync(cancellationToken);
                foreach (ReadOnlyMemory<byte> piece in read.Buffer)
                {
                    if (body.Length + piece.Length > mostBytes)
                    {
                        reader.AdvanceTo(read.Buffer.End);
                        return TooLarge(null, mostBytes);
                    }
                    body.Append(piece.Span);
                }
                reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    return null;
            }
        }
        catch (BadHttpRequestException e)
        {
            // Kestrel's own findings about the body: too slow, too large for its framing, or badly chunked.
            return e.StatusCode switch
            {
                StatusCodes.Status408RequestTimeout => new Problem(ProblemKind.BodyTooSlow,
                    "The request body came slower than 240 bytes a second. Check the connection and send it again."),
                StatusCodes.Status413PayloadTooLarge => TooLarge(null, mostBytes),
                _ => BadlyFramed(),
            };
        }
        catch (IOException e) when (e.InnerException is OverflowException)
        {
            // A chunk size beyond 64 bits is the server's own overflow, and the caller's fault.
            return BadlyFramed();
        }
    }

    private static Problem BadlyFramed() =>
        new(ProblemKind.BodyMalformed, "The request body ended early or is badly framed. Send the whole body with a right Content-Length.");

    private static Problem TooLarge(long? length, long mostBytes) => new(ProblemKind.BodyTooLarge,
        $"The body {(length is null ? "is too large" : $"is {length / 1048576.0:0.#} MiB")}; the limit is {mostBytes / 1048576.0:0.#} MiB (limits.body). Shrink images or split the request.");
}
