using Fairlead.Domain.Inference;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Tests.Requests;
using Fairlead.Shared;

namespace Fairlead.Protocols.Tests.Translation;

/// <summary>What is large goes over as bytes: neither the door nor the translator makes a string of it. Counted in bytes allocated.</summary>
[Collection(nameof(Measured))]
public sealed class ChatToMessagesCostTests
{
    [Theory]
    [InlineData("image_url", "{\"url\":\"data:image/png;base64,DATA\"}")]
    [InlineData("file", "{\"file_data\":\"data:application/pdf;base64,DATA\"}")]
    [InlineData("file", "{\"file_data\":\"data:text/plain;base64,DATA\"}")]
    public void Data_of_four_megabytes_costs_no_more_than_a_kilobyte(string type, string value)
    {
        (long small, long large) = (Cost(16), Cost(4_000_000));

        Assert.InRange(small, 0, 8 * 1024);
        Assert.InRange(large - small, -1024, 1024);

        long Cost(int length)
        {
            byte[] body = Bodies.Utf8($$"""{"model":"o/m","messages":[{"role":"user","content":[{"type":"{{type}}","{{type}}":{{value.Replace("DATA", new string('A', length), StringComparison.Ordinal)}}}]}]}""");
            BodyEdits edits = Translated.Edits(Translated.Haiku);
            using var output = new PooledBuffer(8_000_000);
            return Measure(body, edits, output);
        }
    }

    private static long Measure(byte[] body, BodyEdits edits, PooledBuffer output)
    {
        string? adapted = null;
        // The first rounds make what is made once per process, and what the pools lend.
        long allocated = Allocation.Of(() =>
        {
            output.Clear();
            ScannedRequest scanned = RequestDialects.Scan(Route.Chat, body, RequestLimits.Default, out _)!;
            RequestDialects.Write(body, scanned, edits, output);
            adapted = RequestDialects.Adapted(scanned, body, edits);
        });
        Assert.Null(adapted);
        return allocated;
    }
}
