using Fairlead.Protocols.Buffers;

namespace Fairlead.Gateway.Limits;

/// <summary>Collects an answer as it leaves, so that a repetition with the same Idempotency-Key gets the very same bytes.</summary>
/// <remarks>An answer larger than the bound is not kept: the repetition is told so instead (409).</remarks>
internal sealed class AnswerRecording(int mostBytes) : IDisposable
{
    private readonly PooledBuffer _bytes = new(1024);

    /// <summary>The answer outgrew the bound.</summary>
    public bool Overflowed { get; private set; }

    /// <summary>The answer's last byte is in it. One that broke off, or whose caller left in the middle, is never replayed as if it were an answer.</summary>
    public bool IsWhole { get; private set; }

    public void Complete() => IsWhole = true;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (Overflowed || _bytes.Length + bytes.Length > mostBytes)
        {
            Overflowed = true;
            return;
        }
        _bytes.Append(bytes);
    }

    public byte[] ToArray() => _bytes.Span.ToArray();

    public void Dispose() => _bytes.Dispose();
}
