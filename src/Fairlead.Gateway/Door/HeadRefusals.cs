using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Fairlead.Domain.Ids;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Faults;
using Fairlead.Protocols.OpenAi;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Fairlead.Gateway.Door;

/// <summary>How large a request's head may be and how long it may take.</summary>
internal static class HeadLimits
{
    public const int Bytes = 32 * 1024;
    public const int Count = 100;
    public const int LineBytes = 8 * 1024;
    public static readonly TimeSpan Time = TimeSpan.FromSeconds(15);
}

/// <summary>Gives words to what Kestrel refuses by itself: a head that is malformed, too large or too slow never becomes a request, and Kestrel answers it
/// with a bare status. Here the status gets the error object and the id that every other refusal has. What door it was for nobody knows: the object is OpenAI's,
/// of which Anthropic's clients read type and message too, and the id is told under both names.</summary>
/// <remarks>Kestrel tells of such a refusal on its <see cref="DiagnosticSource"/> before it writes its answer; the connection's writer then puts ours in its place.
/// Everything else passes through untouched, so that an ordinary answer pays for a call and nothing more.</remarks>
internal sealed class HeadRefusals(TimeProvider time) : DiagnosticSource
{
    private const string BadRequest = "Microsoft.AspNetCore.Server.Kestrel.BadRequest";

    public override bool IsEnabled(string name) => name == BadRequest;

    public override void Write(string name, object? value)
    {
        if (value is IFeatureCollection features
            && features.Get<IHttpResponseFeature>() is { HasStarted: false }
            && features.Get<IBadRequestExceptionFeature>()?.Error is BadHttpRequestException refusal)
        {
            features.Get<Writer>()?.Refuse(Answer(Say(refusal)));
        }
    }

    /// <summary>Puts the writer into a connection.</summary>
    public static ConnectionDelegate Watch(ConnectionDelegate next) => connection =>
    {
        var writer = new Writer(connection.Transport.Output);
        connection.Features.Set(writer);
        connection.Transport = new Transport(connection.Transport.Input, writer);
        return next(connection);
    };

    private static Problem Say(BadHttpRequestException refusal) => refusal.StatusCode switch
    {
        StatusCodes.Status408RequestTimeout => new Problem(ProblemKind.HeadTooSlow,
            $"The request's head did not arrive within {HeadLimits.Time.TotalSeconds:0} s. Check the connection and send it again."),
        StatusCodes.Status414UriTooLong => new Problem(ProblemKind.LineTooLong,
            $"The request line is longer than {HeadLimits.LineBytes / 1024} KiB. Send what is long in the body."),
        StatusCodes.Status431RequestHeaderFieldsTooLarge => new Problem(ProblemKind.HeadTooLarge,
            $"The request has more than {HeadLimits.Count} headers or {HeadLimits.Bytes / 1024} KiB of them. Send fewer; nothing here needs so many."),
        int status => new Problem(ProblemKind.HeadMalformed,
            $"This is no HTTP/1.1 request that can be read in one way only: {Redaction.Clean(refusal.Message, 120)} Check the client and every proxy before this server.",
            PassedStatus: status is >= 400 and < 500 ? status : null), // a version we do not speak is the caller's fault too
    };

    private byte[] Answer(Problem problem)
    {
        string id = RequestId.New(time.GetUtcNow()).ToString();
        using var body = new PooledBuffer(1024);
        ErrorObject.Write(body, problem, id);
        var headers = new HeaderDictionary();
        ProblemMap.WriteHeaders(headers, Dialect.OpenAi, problem);
        var head = new StringBuilder();
        head.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {problem.Status} {Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(problem.Status)}\r\n");
        head.Append(CultureInfo.InvariantCulture, $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\nConnection: close\r\n");
        head.Append(CultureInfo.InvariantCulture, $"x-request-id: {id}\r\nrequest-id: {id}\r\nx-fairlead-request-id: {id}\r\n");
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues value) in headers)
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        return [.. Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()), .. body.Span];
    }

    private sealed record Transport(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    /// <summary>The connection's writer; after a refusal it drops what Kestrel says and has said ours instead.</summary>
    private sealed class Writer(PipeWriter inner) : PipeWriter
    {
        private byte[]? _scratch;

        public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

        public override long UnflushedBytes => inner.UnflushedBytes;

        public void Refuse(byte[] answer)
        {
            if (_scratch is not null)
                return;
            _scratch = new byte[4096];
            inner.Write(answer);
        }

        public override Memory<byte> GetMemory(int sizeHint = 0) => _scratch is null ? inner.GetMemory(sizeHint) : Scratch(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => _scratch is null ? inner.GetSpan(sizeHint) : Scratch(sizeHint);

        public override void Advance(int bytes)
        {
            if (_scratch is null)
                inner.Advance(bytes);
        }

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

        public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) =>
            _scratch is null ? inner.WriteAsync(source, cancellationToken) : inner.FlushAsync(cancellationToken);

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

        private byte[] Scratch(int sizeHint) => sizeHint <= _scratch!.Length ? _scratch : _scratch = new byte[sizeHint];
    }
}
