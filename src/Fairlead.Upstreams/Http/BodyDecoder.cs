using System.IO.Compression;
using System.Runtime.CompilerServices;
using Fairlead.Domain.Routing;

namespace Fairlead.Upstreams.Http;

/// <summary>Undoes a content-encoding as the bytes come, within the bound of fault U-30. We ask for none, but some compress anyway (F052).</summary>
internal sealed class BodyDecoder(ContentCoding coding, HttpReply reply, TransportLimits limits) : IDisposable
{
    private const long FreeBytes = 1024 * 1024;
    private readonly RawBody _raw = new(reply);
    private Stream? _decoded;
    private bool _plain;
    private long _produced;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (_decoded is null)
            await BeginAsync(cancellationToken);
        int count = await _decoded!.ReadAsync(destination, cancellationToken);
        if (_plain)
            return count;
        _produced += count;
        if (_produced > FreeBytes && _produced > reply.RawBytes * limits.MaxExpansion)
            throw reply.Break(FaultKind.BodyTooLarge, $"decompresses more than {limits.MaxExpansion}:1");
        if (count > 0 || destination.Length == 0)
            return count;
        // The framework's decoders take a cut input for a complete one. The others never ask beyond their own end mark; gzip may
        // go on with another member, so its trailer is held against what came out (RFC 1952 §2.3.1, ISIZE; one member).
        if (coding == ContentCoding.Gzip ? _raw.LastFour != (uint)_produced : _raw.AskedBeyondEnd)
            throw reply.Break(FaultKind.Malformed, "a compressed body that is cut short");
        await _raw.DrainAsync(cancellationToken);
        return 0;
    }

    public void Dispose() => _decoded?.Dispose();

    // The label is not believed before the bytes agree (F053): plain JSON sent as gzip is common behind misconfigured proxies.
    private async ValueTask BeginAsync(CancellationToken cancellationToken)
    {
        (int first, int second) = await _raw.PeekTwoAsync(cancellationToken);
        bool zlib = (first & 0x0F) == 8 && second >= 0 && ((first << 8) | second) % 31 == 0;
        _plain = first < 0 || coding switch
        {
            ContentCoding.Gzip => first != 0x1F || second != 0x8B,
            ContentCoding.Deflate => !zlib && first is '{' or '[' or '<',
            _ => false,
        };
        _decoded = _plain ? _raw : coding switch
        {
            ContentCoding.Gzip => new GZipStream(_raw, CompressionMode.Decompress, leaveOpen: true),
            ContentCoding.Deflate when zlib => new ZLibStream(_raw, CompressionMode.Decompress, leaveOpen: true),
            ContentCoding.Deflate => new DeflateStream(_raw, CompressionMode.Decompress, leaveOpen: true),
            _ => new BrotliStream(_raw, CompressionMode.Decompress, leaveOpen: true),
        };
    }

    /// <summary>The framed bytes as the stream that the decoders of the framework read from.</summary>
    private sealed class RawBody(HttpReply reply) : Stream
    {
        private readonly byte[] _first = new byte[2];
        private ulong _last;
        private int _firstAt;
        private int _firstEnd;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        /// <summary>The last four bytes handed out, the first of them lowest.</summary>
        public uint LastFour => (uint)(_last >> 32);

        /// <summary>A decoder wanted more after the last byte.</summary>
        public bool AskedBeyondEnd { get; private set; }

        public async ValueTask<(int First, int Second)> PeekTwoAsync(CancellationToken cancellationToken)
        {
            while (_firstEnd < 2)
            {
                int count = await reply.ReadRawAsync(_first.AsMemory(_firstEnd), cancellationToken);
                if (count == 0)
                    break;
                _firstEnd += count;
            }

            return (_firstEnd > 0 ? _first[0] : -1, _firstEnd > 1 ? _first[1] : -1);
        }

        public async ValueTask DrainAsync(CancellationToken cancellationToken)
        {
            byte[] rest = new byte[256];
            while (await reply.ReadRawAsync(rest, cancellationToken) > 0)
            {
                // bytes after the compressed body are padding; the body cap bounds what the framing may still hold
                if (reply.RawBytes > FreeBytes * 64)
                    throw reply.Break(FaultKind.BodyTooLarge, "endless bytes after a compressed body");
            }
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int count;
            if (_firstAt == _firstEnd)
            {
                count = await reply.ReadRawAsync(buffer, cancellationToken);
                AskedBeyondEnd |= count == 0 && buffer.Length > 0;
            }
            else
            {
                count = Math.Min(buffer.Length, _firstEnd - _firstAt);
                _first.AsSpan(_firstAt, count).CopyTo(buffer.Span);
                _firstAt += count;
            }

            foreach (byte b in buffer.Span[Math.Max(0, count - 8)..count])
                _last = (_last >> 8) | ((ulong)b << 56);
            return count;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
