using System.Text;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;
using Fairlead.Shared;

namespace Fairlead.Protocols.Tests.Requests;

/// <summary>Bodies made to cost more than they are worth cost little. Counted in bytes allocated: a count is the same on every machine.</summary>
[Collection(nameof(Measured))]
public sealed class BombTests
{
    private const long Little = 2 * 1024 * 1024;

    [Fact]
    public void Nesting_of_a_hundred_thousand() => RefusedCheaply(Bodies.Chat("\"x\":" + new string('[', 100_000) + new string(']', 100_000)));

    [Fact]
    public void Objects_nested_a_hundred_thousand_deep() =>
        RefusedCheaply(Bodies.Chat("\"x\":" + string.Concat(Enumerable.Repeat("{\"a\":", 100_000)) + "1" + new string('}', 100_000)));

    [Fact]
    public void Nesting_that_never_ends() => RefusedCheaply("{\"messages\":" + new string('[', 1_000_000));

    [Fact]
    public void A_number_of_a_million_digits() => RefusedCheaply(Bodies.Chat("\"x\":" + new string('9', 1_000_000)));

    [Fact]
    public void A_known_number_of_a_million_digits() => RefusedCheaply(Bodies.Chat("\"max_tokens\":" + new string('9', 1_000_000)));

    [Fact]
    public void An_exponent_of_a_million_digits() => RefusedCheaply(Bodies.Chat("\"x\":1e" + new string('9', 1_000_000)));

    [Fact]
    public void A_million_members_at_the_top() => RefusedCheaply(Bodies.Chat(string.Join(',', Enumerable.Range(0, 1_000_000).Select(static i => $"\"k{i}\":0"))));

    [Fact]
    public void A_million_members_below() => RefusedCheaply(Bodies.Chat("\"x\":{" + string.Join(',', Enumerable.Range(0, 1_000_000).Select(static i => $"\"k{i}\":0")) + "}"));

    [Fact]
    public void A_million_values() => RefusedCheaply(Bodies.Chat("\"x\":[" + string.Join(',', Enumerable.Repeat('0', 1_000_000)) + "]"));

    [Fact]
    public void A_million_fallbacks() => RefusedCheaply(Bodies.Chat("\"models\":[" + string.Join(',', Enumerable.Repeat("\"a/b\"", 1_000_000)) + "]"));

    [Fact]
    public void A_name_of_a_megabyte() => Assert.Equal(ProblemKind.FieldInvalid, Bodies.Refused($"{{\"model\":\"{new string('m', 1_000_000)}\"}}").Kind);

    [Fact]
    public void Fifty_duplicates() => RefusedCheaply(Bodies.Chat(string.Join(',', Enumerable.Repeat("\"k\":0", 50))));

    [Fact]
    public void Ten_thousand_names_of_one_shape_are_compared_by_hash()
    {
        // Equal lengths, heads and tails: what a weak hash would throw into one heap.
        string members = string.Join(',', Enumerable.Range(0, 9_900).Select(static i => $"\"aaaaaaaa{i:D8}aaaaaaaaaaaaaaaa\":0"));
        Assert.NotNull(Bodies.Scan(Bodies.Chat($"\"x\":{{{members}}}")).Scanned);
    }

    [Fact]
    public void A_text_of_fifty_megabytes_is_read_without_a_copy_of_it()
    {
        byte[] body = Bodies.Utf8($$"""{"model":"a/b","messages":[{"role":"user","content":"{{new string('x', 50_000_000)}}"}]}""");
        long before = GC.GetAllocatedBytesForCurrentThread();
        ScannedRequest? scanned = RequestScanner.Scan(Route.Chat, body, RequestLimits.Default, out _);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.NotNull(scanned);
        Assert.InRange(allocated, 0, 64 * 1024);
        Assert.Equal(body.Length, scanned.Request.InputTokensAtMost);
    }

    [Fact]
    public void A_short_text_costs_a_few_kilobytes_and_a_long_one_no_more()
    {
        long small = Allocated(Bodies.Utf8(Bodies.Chat("\"stream\":true,\"max_tokens\":5")));
        long large = Allocated(Bodies.Utf8(Bodies.Chat($"\"stream\":true,\"max_tokens\":5,\"x\":\"{new string('x', 100_000)}\"")));
        Assert.InRange(small, 0, 4096);
        Assert.InRange(large - small, 0, 512);
    }

    [Fact]
    public void Writing_a_large_body_copies_it_once()
    {
        byte[] body = Bodies.Utf8(Bodies.Chat($"\"x\":\"{new string('x', 4_000_000)}\""));
        ScannedRequest scanned = RequestScanner.Scan(Route.Chat, body, RequestLimits.Default, out _)!;
        using var output = new PooledBuffer(8_000_000);
        UpstreamBodyWriter.Write(body, scanned, new BodyEdits("up", true, RequestQuirks.None), output); // what is made once per process
        long allocated = Allocation.Of(() =>
        {
            output.Clear();
            UpstreamBodyWriter.Write(body, scanned, new BodyEdits("up", true, RequestQuirks.None), output);
        });
        Assert.InRange(allocated, 0, 4096);
    }

    private static long Allocated(byte[] body)
    {
        RequestScanner.Scan(Route.Chat, body, RequestLimits.Default, out _); // what is made once per process
        return Allocation.Of(() => Assert.NotNull(RequestScanner.Scan(Route.Chat, body, RequestLimits.Default, out _)));
    }

    private static void RefusedCheaply(string text)
    {
        byte[] body = Encoding.UTF8.GetBytes(text);
        Bodies.Refused("""{"a":1,"a":2}"""); // what is made once per process, above all the pattern by which words of others are cleaned
        long before = GC.GetAllocatedBytesForCurrentThread();
        ScannedRequest? scanned = RequestScanner.Scan(Route.Chat, body, RequestLimits.Default, out Problem? problem);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Null(scanned);
        Bodies.AssertReadable(problem!);
        Assert.InRange(allocated, 0, Little);
    }
}
