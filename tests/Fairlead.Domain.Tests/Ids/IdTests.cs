using Fairlead.Domain.Ids;

namespace Fairlead.Domain.Tests.Ids;

public sealed class IdTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_printed_id_reads_back()
    {
        for (int i = 0; i < 1_000; i++)
        {
            RequestId id = RequestId.New(Noon.AddMilliseconds(i));
            Assert.True(RequestId.TryParse(id.ToString(), out RequestId again));
            Assert.Equal(id, again);
            Assert.Equal(30, id.ToString().Length);
        }
    }

    [Fact]
    public void Ids_sort_as_text_as_they_were_made()
    {
        string[] texts = [.. Enumerable.Range(0, 1_000).Select(i => RequestId.New(Noon.AddMilliseconds(i * 3)).ToString())];
        Assert.Equal(texts.Order(StringComparer.Ordinal), texts);
    }

    [Theory]
    [InlineData("")]
    [InlineData("req_")]
    [InlineData("key_00000000000000000000000000")]
    [InlineData("req_0000000000000000000000000")]
    [InlineData("req_8zzzzzzzzzzzzzzzzzzzzzzzzz")]
    [InlineData("req_0000000000000000000000000u")]
    [InlineData("req_0000000000000000000000000A")]
    public void What_is_no_id_is_refused(string text) => Assert.False(RequestId.TryParse(text, out _));
}
