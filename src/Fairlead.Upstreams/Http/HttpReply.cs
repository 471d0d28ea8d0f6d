using System.Buffers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using Fairlead.Domain.Routing;

namespace Fairlead.Upstreams.Http;

/// <summary>An answer being read. One reader at a time.</summary>
internal sealed class HttpReply : UpstreamReply.Opened
{
    private readonly Connection _connection;
    private readonly TransportLimits _limits;
    private readonly ReadOnlyMemory<byte> _head;
    private readonly bool _reusable;
    private readonly ResponseHead _answer;
    private BodyFrame _frame;
    private BodyDecoder? _decoder;
    private BodyKind _kind;
    private byte[] _peeked = [];
    private int _peekedAt;
    private int _peekedEnd;
    private long _total;
    private bool _ended;
    private bool _disposed;
    private UpstreamFault? _broken;

    public HttpReply(Connection connection, ResponseHead answer, TransportLimits limits, bool reusable)
    {
        _connection = connection;
        _answer = answer;
        _frame = answer.Frame();
        _limits = limits;
        _head = connection.Detach(answer.Size);
        _reusable = reusable && answer.KeepAlive && !answer.EndsByClose;
        if (answer.Coding != ContentCoding.Identity)
            _decoder = new BodyDecoder(answer.Coding, this, limits);
        RequestId = answer.RequestId.Equals(default(Range)) ? null : Encoding.ASCII.GetString(_head.Span[answer.RequestId]);
    }

    public override int Status => _answer.Status;

    public override BodyKind Kind => _kind;

    public string? RequestId { get; }

    /// <summary>Compressed or plain body bytes read so far, the framing left out.</summary>
    public long RawBytes { get; private set; }

    public override string? Header(string name)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return ResponseHead.TryFind(_head.Span, name, out ReadOnlySpan<byte> value) ? Encoding.Latin1.GetString(value) : null;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (destination.Length == 0)
            throw new ArgumentException("An empty read could not be told from the end.", nameof(destination));
        if (_peekedAt < _peekedEnd)
            return TakePeeked(destination.Span);
        if (_broken is not null)
            throw new UpstreamBrokenException(_broken);
        if (_ended)
            return 0;
        if (cancellationToken.IsCancellationRequested)
        {
            // Bytes may be there without waiting for as long as the upstream is fast: a hang-up counts before them.
            _connection.Close(CloseCause.Caller);
            cancellationToken.ThrowIfCancellationRequested();
        }

        try
        {
            int count = _decoder is null
                ? await ReadRawAsync(destination, cancellationToken)
                : await _decoder.ReadAsync(destination, cancellationToken);
            _ended = count == 0;
            _total += count;
            if (_total > _limits.MaxBodyBytes)
                throw Break(FaultKind.BodyTooLarge, $"an answer over {_limits.MaxBodyBytes / (1024 * 1024)} MiB");
            return count;
        }
        catch (InvalidDataException e)
        {
            throw Break(FaultKind.Malformed, "a body that does not decode", e);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException || (e is IOException and not UpstreamBrokenException))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Break(FaultKind.Truncated, "the connection broke within the answer", e);
        }
    }

    /// <summary>Body bytes before any decompression.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReadRawAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        while (!_frame.Done)
        {
            int count = _connection.TakeBuffered(destination.Span);
            if (count == 0)
                count = await _connection.ReceiveAsync(destination, cancellationToken);
            if (count == 0)
            {
                if (_frame.End())
                    return 0;
                throw Break(FaultKind.Truncated, "closed within the answer");
            }

            int produced = _frame.Take(destination.Span[..count]);
            if (_frame.Wrong is { } wrong)
                throw Break(FaultKind.Malformed, wrong);
            RawBytes += produced;
            if (produced > 0)
                return produced;
        }

        return 0;
    }

    /// <summary>Settles <see cref="Kind"/>, by the first bytes where the content type says nothing.</summary>
    /// <returns>Why there will be no answer; null normally.</returns>
    public async ValueTask<UpstreamFault?> FindKindAsync()
    {
        _kind = BodySniff.ByContentType(_head.Span[_answer.ContentType]);
        if (_answer.Coding == ContentCoding.Unknown)
            return new UpstreamFault(FaultKind.Malformed, "a content-encoding nobody asked for", Status);
        if (_kind != BodyKind.Other)
            return null;
        try
        {
            // Enough to see past a byte order mark, blank lines and a comment's colon.
            await PeekAsync(64, static bytes => BodySniff.ByFirstBytes(bytes) != BodyKind.Other);
            _kind = BodySniff.ByFirstBytes(_peeked.AsSpan(0, _peekedEnd));
            return null;
        }
        catch (UpstreamBrokenException e)
        {
            return _connection.Cause == CloseCause.Clock
                ? new UpstreamFault(FaultKind.FirstEventStall, "headers, and then nothing in time", Status)
                : e.Fault;
        }
    }

    /// <summary>Reads an error answer, as far as it is worth reading, and asks what it means.</summary>
    public async ValueTask<UpstreamFault> ClassifyAsync(FaultClassifierDelegate classify, TransportLimits limits, TimeProvider time)
    {
        bool unreadable = _answer.Coding == ContentCoding.Unknown;
        try
        {
            if (!unreadable)
                await PeekAsync(limits.MaxErrorBytes, static _ => false);
        }
        catch (UpstreamBrokenException)
        {
            // The status is known and says more than the way its explanation was cut short.
        }

        string? contentType = _answer.ContentType.Equals(default(Range)) ? null : Encoding.Latin1.GetString(_head.Span[_answer.ContentType]);
        UpstreamFault fault = classify(Status, contentType, _peeked.AsSpan(0, _peekedEnd), Header, time.GetUtcNow());
        _peekedAt = _peekedEnd;
        return fault;
    }

    public override ValueTask DisposeAsync()
    {
        if (_disposed)
            return ValueTask.CompletedTask;
        _disposed = true;
        _decoder?.Dispose();
        if (_peeked.Length > 0)
            ArrayPool<byte>.Shared.Return(_peeked);
        _peeked = [];
        bool clean = _reusable && _frame.Done && !_frame.Stray && _connection.Buffered.Length == 0 && _connection.Cause == CloseCause.None;
        if (clean)
        {
            _connection.Pool.Return(_connection);
        }
        else
        {
            _connection.Close(CloseCause.Done);
            _connection.ReturnBuffer();
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Marks the answer as broken and closes its connection; every later read fails alike.</summary>
    public UpstreamBrokenException Break(FaultKind kind, string detail, Exception? inner = null)
    {
        _broken ??= new UpstreamFault(kind, detail, Status);
        _connection.Close(CloseCause.Done);
        return new UpstreamBrokenException(_broken, inner);
    }

    private int TakePeeked(Span<byte> destination)
    {
        int count = Math.Min(destination.Length, _peekedEnd - _peekedAt);
        _peeked.AsSpan(_peekedAt, count).CopyTo(destination);
        _peekedAt += count;
        return count;
    }

    private async ValueTask PeekAsync(int max, Func<ReadOnlyMemory<byte>, bool> enough)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(Math.Min(max, 4096));
        int end = 0;
        _peeked = [];
        try
        {
            while (end < max && !enough(bytes.AsMemory(0, end)))
            {
                if (end == bytes.Length)
                {
                    byte[] larger = ArrayPool<byte>.Shared.Rent(bytes.Length * 2);
                    bytes.AsSpan(0, end).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(bytes);
                    bytes = larger;
                }

                int count = await ReadAsync(bytes.AsMemory(end, Math.Min(max, bytes.Length) - end), CancellationToken.None);
                if (count == 0)
                    break;
                end += count;
            }

        }
        finally
        {
            _peeked = bytes;
            _peekedEnd = end;
        }
    }
}
