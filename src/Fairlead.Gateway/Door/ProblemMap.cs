using System.Globalization;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway.Door;

/// <summary>The one place where a <see cref="Problem"/> becomes HTTP.</summary>
internal static class ProblemMap
{
    /// <summary>Sends a refusal in the form that the clients of its door read.</summary>
    /// <remarks>The answer must not have begun.</remarks>
    public static async ValueTask WriteAsync(HttpContext http, Problem problem, string requestId)
    {
        Dialect door = DoorDialect.Of(http.Request);
        using var body = new PooledBuffer(1024);
        AnswerDialects.WriteError(door, problem, requestId, body);
        HttpResponse response = http.Response;
        response.StatusCode = Status(door, problem);
        WriteHeaders(response.Headers, door, problem);
        response.ContentType = "application/json";
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
            await response.Body.WriteAsync(body.Memory, http.RequestAborted);
    }

    /// <summary>A client that is told less has spent all its attempts before a forecast that was a little too bold comes true.</summary>
    private const long ShortestWaitMs = 500;

    /// <summary>The status of a problem at a door.</summary>
    public static int Status(Dialect door, Problem problem) => door == Dialect.Anthropic ? AnthropicTerms.Status(problem) : problem.Status;

    /// <summary>Headers by which clients decide whether to try again, and which say the problem where the body is not read.</summary>
    public static void WriteHeaders(IHeaderDictionary headers, Dialect door, Problem problem)
    {
        bool anthropic = door == Dialect.Anthropic;
        headers["x-error-code"] = problem.Kind.Code;
        headers["x-error-message"] = HeaderText(anthropic ? AnthropicTerms.Message(problem) : problem.Message);
        headers["x-should-retry"] = problem.Kind.Retryable ? "true" : "false";
        if (problem.Kind.Status == StatusCodes.Status401Unauthorized)
            headers.WWWAuthenticate = "Bearer realm=\"Fairlead\", charset=\"UTF-8\"";
        if (problem.Cold is { } cold)
            headers["x-fairlead-cold"] = ColdHeader.Text(cold);
        if ((anthropic ? AnthropicTerms.Wait(problem) : problem.RetryAfter) is { } wait)
        {
            double seconds = Math.Max(0, wait.TotalSeconds);
            headers.RetryAfter = ((long)Math.Ceiling(seconds)).ToString(CultureInfo.InvariantCulture);
            headers["retry-after-ms"] = Math.Max(ShortestWaitMs, (long)Math.Ceiling(seconds * 1000)).ToString(CultureInfo.InvariantCulture);
        }
    }

    /// <summary>A message may hold what a header may not (RFC 9110 §5.5): everything beyond visible ASCII becomes a question mark.</summary>
    private static string HeaderText(string message) =>
        string.Create(message.Length, message, static (span, text) =>
        {
            for (int i = 0; i < text.Length; i++)
                span[i] = text[i] is >= ' ' and <= '~' ? text[i] : '?';
        });
}
