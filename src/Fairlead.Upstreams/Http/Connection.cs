using System.Buffers;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Fairlead.Upstreams.Http;

/// <summary>Why we closed a connection ourselves.</summary>
internal enum CloseCause
{
    None,
    Caller,
    Clock,
    Done,
}

/// <summary>One connection, plain, under TLS or over a Unix socket. One exchange at a time; only <see cref="Close"/> may be called from another thread.</summary>
internal sealed class Connection
{
    private const int FirstBuffer = 4096;
    private readonly Socket _socket;
    private readonly CountedStream? _counted;
    private readonly SslStream? _tls;
    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private long _sent;
    private long _sentBefore;
    private int _cause;

    public Connection(ConnectionPool pool, Socket socket, CountedStream? counted, SslStream? tls, IPAddress? address, TimeProvider time)
    {
        Pool = pool;
        _socket = socket;
        _counted = counted;
        _tls = tls;
        Address = address;
        OpenedAt = time.GetTimestamp();
        Clock = new ConnectionClock(time, () => Close(CloseCause.Clock));
    }

    public ConnectionPool Pool { get; }

    /// <summary>Null for a Unix socket.</summary>
    public IPAddress? Address { get; }

    public long OpenedAt { get; }

    public long IdleSince { get; set; }

    public ConnectionClock Clock { get; }

    /// <summary>It has carried an answer before: the peer may have closed it meanwhile.</summary>
    public bool Reused { get; private set; }

    public CloseCause Cause => (CloseCause)Volatile.Read(ref _cause);

    /// <summary>Bytes read and not yet taken.</summary>
    public ReadOnlySpan<byte> Buffered => _buffer.AsSpan(_start, _end - _start);

    private long Sent => _counted?.Sent ?? _sent;

    /// <summary>An idle connection with something to read has been closed by the peer, or speaks out of turn: one poll says both.</summary>
    public bool IsStale()
    {
        try
        {
            return Cause != CloseCause.None || _socket.Poll(0, SelectMode.SelectRead);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return true; // an unusable socket is what was asked about
        }
    }

    public void Begin()
    {
        _sentBefore = Sent;
        _buffer = ArrayPool<byte>.Shared.Rent(FirstBuffer);
        _start = _end = 0;
    }

    /// <summary>Gives the buffer back; what the exchange left in it is gone.</summary>
    public void End()
    {
        Reused = true;
        Clock.Disarm();
        ReturnBuffer();
    }

    /// <summary>Whether it is certain that not one byte of this exchange was accepted by the peer.</summary>
    /// <remarks>Asked after the peer's FIN. Every segment acknowledges what its sender had received so far, so a FIN that acknowledges
    /// nothing of this request was sent before any of it arrived: the peer had closed first. A reset proves nothing of the kind, since it
    /// acknowledges nothing even when the request had been read.</remarks>
    public bool NothingAccepted()
    {
        if (!OperatingSystem.IsLinux())
            return false;
        try
        {
            // struct tcp_info: tcpi_bytes_acked is the u64 at 120; it counts the SYN as one byte.
            Span<byte> tcpInfo = stackalloc byte[128];
            int length = _socket.GetRawSocketOption(6, 11, tcpInfo);
            return length == tcpInfo.Length && BitConverter.ToUInt64(tcpInfo[120..]) <= (ulong)_sentBefore + 1;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false; // no proof
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (_tls is not null)
        {
            await _tls.WriteAsync(bytes, cancellationToken);
            return;
        }

        while (bytes.Length > 0)
        {
            int count = await _socket.SendAsync(bytes, SocketFlags.None, cancellationToken);
            _sent += count;
            bytes = bytes[count..];
        }
    }

    /// <summary>Ends a send that waits for the peer. The connection can only be read from here on.</summary>
    public void StopSending()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Close(CloseCause.Done); // already gone, and with it the send
        }
    }

    /// <summary>Reads past the bytes already buffered.</summary>
    public ValueTask<int> ReceiveAsync(Memory<byte> destination) => _tls is null
        ? _socket.ReceiveAsync(destination, SocketFlags.None, CancellationToken.None)
        : _tls.ReadAsync(destination, CancellationToken.None);

    /// <summary>The same, and cancellation closes the connection: nothing else can be done with half an answer.</summary>
    public ValueTask<int> ReceiveAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        ValueTask<int> pending = ReceiveAsync(destination);
        return pending.IsCompleted || !cancellationToken.CanBeCanceled ? pending : Guarded(pending, cancellationToken);
    }

    /// <summary>Room for more head bytes, growing up to <paramref name="max"/> and one byte.</summary>
    public Memory<byte> FreeSpace(int max)
    {
        if (_end == _buffer.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Min(_buffer.Length * 2, Math.Max(_buffer.Length + 1, max + 4096)));
            _buffer.AsSpan(_start, _end - _start).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
            _end -= _start;
            _start = 0;
        }

        return _buffer.AsMemory(_end);
    }

    public void Filled(int count) => _end += count;

    public void Skip(int count) => _start += count;

    /// <summary>The first <paramref name="size"/> buffered bytes stay where they are and are no longer buffered.</summary>
    /// <returns>Where they are, until <see cref="End"/>.</returns>
    public ReadOnlyMemory<byte> Detach(int size)
    {
        var head = new ReadOnlyMemory<byte>(_buffer, _start, size);
        _start += size;
        return head;
    }

    public int TakeBuffered(Span<byte> destination)
    {
        int count = Math.Min(destination.Length, _end - _start);
        _buffer.AsSpan(_start, count).CopyTo(destination);
        _start += count;
        return count;
    }

    /// <summary>Closes at once. The first cause stays.</summary>
    public void Close(CloseCause cause)
    {
        if (Interlocked.CompareExchange(ref _cause, (int)cause, (int)CloseCause.None) != (int)CloseCause.None)
            return;
        Clock.Dispose();
        _socket.Dispose();
        Pool.Closed();
    }

    /// <summary>After the last use of the buffer: only the exchange's owner may call it.</summary>
    public void ReturnBuffer()
    {
        byte[] buffer = _buffer;
        _buffer = [];
        _start = _end = 0;
        if (buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(buffer);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> Guarded(ValueTask<int> pending, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration hangUp = CloseOn(cancellationToken);
        return await pending;
    }

    public CancellationTokenRegistration CloseOn(CancellationToken cancellationToken) =>
        cancellationToken.UnsafeRegister(static state => ((Connection)state!).Close(CloseCause.Caller), this);
}

/// <summary>The socket under TLS; counts what was handed to TCP, so that acknowledged bytes can be compared with it.</summary>
internal sealed class CountedStream(Socket socket) : NetworkStream(socket, ownsSocket: false)
{
    public long Sent { get; private set; }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Sent += buffer.Length;
        return base.WriteAsync(buffer, cancellationToken);
    }
}
