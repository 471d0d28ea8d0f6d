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

    [Theory]
    [InlineData(KvType.F32)]
    [InlineData(KvType.F16)]
    [InlineData(KvType.Q8_0)]
    public unsafe void Positions_are_copied_in_every_layer_and_head_with_what_is_known_of_them_and_only_into_a_block_that_one_holds(KvType type)
    {
        using var cache = new KvCache(type, layers: 2, heads: 2, keyDimension: 3, valueDimension: 2, blocks: 2);
        Assert.True(cache.TryTake(out int from));
        Assert.True(cache.TryTake(out int to));
        var random = new Random(1);
        for (int head = 0; head < 4; head++)
            random.NextBytes(new Span<byte>(cache.Head(head / 2, from, head % 2), cache.Layout.Bytes));
        cache.SetSound(layer: 1, from, place: 3, sound: false);
        cache.SetSound(layer: 1, from, place: 9, sound: false);
        cache.CopyPositions(from, to, 7);
        for (int head = 0; head < 4; head++)
        {
            Assert.True(new Span<byte>(cache.Head(head / 2, from, head % 2), cache.Layout.Bytes).SequenceEqual(
                new Span<byte>(cache.Head(head / 2, to, head % 2), cache.Layout.Bytes)));
        }

        Assert.Equal(1 << 3, cache.Unsound(to));
        cache.Share(to);
        Assert.Throws<ArgumentOutOfRangeException>(() => cache.CopyPositions(from, to, 1));
    }
}
