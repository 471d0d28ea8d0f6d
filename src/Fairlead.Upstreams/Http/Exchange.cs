using System.Buffers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Fairlead.Domain.Routing;

namespace Fairlead.Upstreams.Http;

/// <summary>One request and the head of its answer on one connection. Owns the connection until it hands it to the reply or closes it.</summary>
internal static class Exchange
{
    // Head and a small body leave in one segment train; what is longer than this is sent from where it lies.
    private const int CopyLimit = 16 * 1024;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public static async ValueTask<UpstreamReply> RunAsync(
        Connection connection, RequestHead head, UpstreamCall call, FaultClassifierDelegate classify, TransportLimits limits, TimeProvider time, CancellationToken caller)
    {
        bool handedOver = false;
        CancellationTokenRegistration hangUp = connection.CloseOn(caller);
        byte[] packet = ArrayPool<byte>.Shared.Rent(Math.Max(CopyLimit, head.MaxLength(call)));
        try
        {
            connection.Begin();
            // Runs while we send as well: an upstream that stops taking the body stalls like one that does not answer.
            connection.Clock.Arm(call.Clocks.Headers);
            var sending = new Sending();
            int size = head.Write(packet, call);
            int copied = Math.Min(call.Body.Length, packet.Length - size);
            call.Body.Span[..copied].CopyTo(packet.AsSpan(size));
            ValueTask send = SendAsync(connection, packet.AsMemory(0, size + copied), call.Body[copied..], CancellationToken.None);
            if (send.IsCompletedSuccessfully)
                await send;
            else
                sending = await SendWhileReadingAsync(connection, send, limits);
            connection.Clock.Arm(call.Clocks.Headers);
            (ResponseHead answer, UpstreamFault? fault) = await ReadHeadAsync(connection, sending, limits);
            if (fault is not null)
                return new UpstreamReply.Refused(fault);
            call.HeadersAt = time.GetTimestamp();
            connection.Clock.Disarm();
            var reply = new HttpReply(connection, answer, limits, reusable: !sending.Failed);
            call.UpstreamRequestId = reply.RequestId;
            if (answer.Status is >= 200 and < 300)
            {
                connection.Clock.Arm(call.Clocks.FirstEvent);
                fault = await reply.FindKindAsync();
                connection.Clock.Disarm();
                await hangUp.DisposeAsync();
                caller.ThrowIfCancellationRequested();
                handedOver = fault is null;
                return handedOver ? reply : new UpstreamReply.Refused(fault!);
            }

            // The whole error answer has the idle clock: nobody waits longer for a reason than for an answer.
            connection.Clock.Arm(call.Clocks.Idle);
            fault = answer.Status is >= 300 and < 400
                ? new UpstreamFault(FaultKind.Redirected, $"answered {answer.Status}; redirects are not followed", answer.Status)
                : await reply.ClassifyAsync(classify, limits, time);
            // Unregistered before the connection goes back: a late hang-up must not close it under its next user.
            await hangUp.DisposeAsync();
            caller.ThrowIfCancellationRequested();
            handedOver = true;
            await reply.DisposeAsync();
            return new UpstreamReply.Refused(fault);
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException or OperationCanceledException)
        {
            caller.ThrowIfCancellationRequested();
            return new UpstreamReply.Refused(BeforeAnswer(connection, e));
        }
        finally
        {
            if (!handedOver)
            {
                connection.Close(caller.IsCancellationRequested ? CloseCause.Caller : CloseCause.Done);
                connection.ReturnBuffer();
            }

            await hangUp.DisposeAsync();
            ArrayPool<byte>.Shared.Return(packet);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask SendAsync(Connection connection, ReadOnlyMemory<byte> packet, ReadOnlyMemory<byte> rest, CancellationToken cancellationToken)
    {
        await connection.SendAsync(packet, cancellationToken);
        if (rest.Length > 0)
            await connection.SendAsync(rest, cancellationToken);
    }

    /// <summary>The peer does not take the body at once: listens meanwhile, since an answer may come first (F073).</summary>
    private static async Task<Sending> SendWhileReadingAsync(Connection connection, ValueTask pending, TransportLimits limits)
    {
        Task send = pending.AsTask();
        if (send.IsFaulted)
            return new Sending { Failure = send.Exception!.InnerException };
        Task<int>? read = null;
        while (!send.IsCompleted)
        {
            read ??= connection.ReceiveAsync(connection.FreeSpace(limits.MaxHeadBytes)).AsTask();
            await Task.WhenAny(send, read);
            if (send.IsCompleted || !read.IsCompletedSuccessfully)
                break;
            int count = await read;
            if (count == 0)
                break;
            connection.Filled(count);
            read = null;
            int status = FinalStatus(connection.Buffered, limits);
            if (status is >= 200 and < 300)
                break; // it answers as it reads: the rest of the body is still wanted
            if (status == 0)
                continue;
            // It has refused and need not read the rest, and the body must not be touched after we return.
            connection.StopSending();
            return new Sending { Failure = await FailureOf(send) ?? new IOException("the answer came before the body had been sent") };
        }

        return new Sending { Failure = await FailureOf(send), Read = read };
    }

    /// <summary>Status of the first answer that is not interim; 0 when it is not there yet, 999 for what is no answer.</summary>
    private static int FinalStatus(ReadOnlySpan<byte> bytes, TransportLimits limits)
    {
        while (bytes.Length > 0)
        {
            int scanned = 0;
            HeadResult result = ResponseHead.Read(bytes, ref scanned, limits, out ResponseHead head, out _);
            if (result == HeadResult.NeedMore)
                return 0;
            if (result != HeadResult.Done)
                return 999;
            if (head.Status >= 200)
                return head.Status;
            bytes = bytes[head.Size..];
        }

        return 0;
    }

    private static async Task<Exception?> FailureOf(Task send)
    {
        try
        {
            await send;
            return null;
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException or OperationCanceledException)
        {
            return e; // reported unless an answer is there to be read
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<(ResponseHead Head, UpstreamFault? Fault)> ReadHeadAsync(Connection connection, Sending sending, TransportLimits limits)
    {
        int scanned = 0;
        int interim = 0;
        bool any = false;
        while (true)
        {
            if (connection.Buffered.Length > 0)
            {
                any = true;
                switch (ResponseHead.Read(connection.Buffered, ref scanned, limits, out ResponseHead head, out string? wrong))
                {
                    case HeadResult.TooLarge:
                        return (default, new UpstreamFault(FaultKind.HeadersTooLarge, $"headers over {limits.MaxHeadBytes / 1024} KiB or {limits.MaxHeadFields} fields"));
                    case HeadResult.Malformed:
                        return (default, new UpstreamFault(FaultKind.Malformed, $"the answer has {wrong}"));
                    case HeadResult.Done when head.Status == 101:
                        return (default, new UpstreamFault(FaultKind.Malformed, "switched protocols without being asked", 101));
                    case HeadResult.Done when head.Status < 200:
                        if (++interim > limits.MaxInterimAnswers)
                            return (default, new UpstreamFault(FaultKind.InterimFlood, $"more than {limits.MaxInterimAnswers} interim answers", head.Status));
                        connection.Skip(head.Size);
                        scanned = 0;
                        continue;
                    case HeadResult.Done:
                        return (head, null);
                }
            }

            int count = sending.Read is { } started ? await started : await connection.ReceiveAsync(connection.FreeSpace(limits.MaxHeadBytes));
            sending.Read = null;
            if (count == 0)
            {
                return (default, new UpstreamFault(
                    FaultKind.ClosedBeforeAnswer,
                    any ? "closed within the headers" : "closed before any answer",
                    NothingSent: !any && connection.NothingAccepted()));
            }

            connection.Filled(count);
        }
    }

    private static UpstreamFault BeforeAnswer(Connection connection, Exception e)
    {
        if (connection.Cause == CloseCause.Clock)
            return new UpstreamFault(FaultKind.HeaderStall, "no headers in time");
        SocketError? error = (e as SocketException ?? e.InnerException as SocketException)?.SocketErrorCode;
        return error == SocketError.Shutdown
            ? new UpstreamFault(FaultKind.ClosedBeforeAnswer, "closed before any answer", NothingSent: connection.NothingAccepted())
            : new UpstreamFault(FaultKind.ResetBeforeAnswer, error is null ? "the connection broke before any answer" : $"the connection broke before any answer: {error}");
    }

    private struct Sending
    {
        public Exception? Failure;
        public Task<int>? Read;

        public readonly bool Failed => Failure is not null;
    }
}
