using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Tests.Generation;

public sealed class KvCacheTests
{
    [Fact]
    public void A_block_that_two_hold_is_free_only_when_both_have_left()
    {
        using var cache = new KvCache(KvType.F16, layers: 1, heads: 1, keyDimension: 4, valueDimension: 4, blocks: 4);
        KvSequence first = new(), second = new();
        Assert.True(first.TryReserve(cache, 33));
        second.BeginWith(cache, first.Blocks.Take(2));
        first.Release(cache);
        Assert.Equal(2, cache.FreeBlocks);
        second.Release(cache);
        Assert.Equal(4, cache.FreeBlocks);
    }

    [Fact]
    public void A_sequence_that_finds_no_room_takes_nothing()
    {
        using var cache = new KvCache(KvType.F16, layers: 1, heads: 1, keyDimension: 4, valueDimension: 4, blocks: 2);
        KvSequence sequence = new();
        Assert.False(sequence.TryReserve(cache, 33));
        Assert.Equal((2, 0), (cache.FreeBlocks, sequence.Capacity));
    }
}
