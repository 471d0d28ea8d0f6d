using System.Globalization;
using System.Text;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Anthropic;

/// <summary>What we know of a message's price, put in at the end of the usage object that its upstream wrote; every other byte goes through as it came.</summary>
internal static class MessageCost
{
    /// <param name="bytes">What holds the usage object.</param>
    /// <param name="where">The object, braces included.</param>
    /// <param name="usage">For the time that was measured.</param>
    /// <param name="cost">The charge.</param>
    /// <param name="output">The caller's bytes.</param>
    /// <returns>False, with nothing appended, when the object tells a cost or time of its own.</returns>
    public static bool TrySplice(ReadOnlySpan<byte> bytes, Range where, in Usage usage, NanoDollars cost, PooledBuffer output)
    {
        ReadOnlySpan<byte> counts = bytes[where];
        if (counts.IndexOf("\"cost\""u8) >= 0 || counts.IndexOf("\"compute_seconds\""u8) >= 0)
            return false;
        int end = where.End.Value - 1;
        output.Append(bytes[..end]);
        if (!counts[1..^1].Trim(" \r\n\t"u8).IsEmpty)
            output.Append(","u8);
        if (usage.ComputeTime > TimeSpan.Zero)
            output.Append(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"\"compute_seconds\":{usage.ComputeSeconds},")));
        output.Append("\"cost\":"u8);
        output.Append(Encoding.ASCII.GetBytes(UsageWriter.CostText(cost)));
        output.Append(bytes[end..]);
        return true;
    }
}
