using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Tests.Generation;

public sealed class PrefixCacheTests
{
    private static readonly int[] A = Block(1), B = Block(2), C = Block(3);

    /// <summary>Mask 0: everything hashes alike, and only the comparison is left.</summary>
    [Theory]
    [InlineData(uint.MaxValue)]
    [InlineData(0u)]
    public void A_block_is_found_only_behind_the_same_tokens_and_in_the_same_scope(uint hashMask)
    {
        using KvCache cache = NewCache(4);
        var prefixes = new PrefixCache(cache, hashMask);
        int first = Add(prefixes, cache, "tenant", PrefixCache.Root, A);
        int second = Add(prefixes, cache, "tenant", first, B);

        Assert.True(prefixes.TryUse("tenant", PrefixCache.Root, A, out int found));
        Assert.Equal(first, found);
        Assert.True(prefixes.TryUse("tenant", first, B, out found));
        Assert.Equal(second, found);
        Assert.False(prefixes.TryUse("tenant", PrefixCache.Root, B, out _));
        Assert.False(prefixes.TryUse("other", PrefixCache.Root, A, out _));
        Assert.False(prefixes.TryUse(null, PrefixCache.Root, A, out _));
    }

    [Fact]
    public void Room_is_made_from_the_end_of_what_was_not_used_for_longest_and_never_from_what_is_used()
    {
        using KvCache cache = NewCache(3);
        var prefixes = new PrefixCache(cache);
        int a = Add(prefixes, cache, null, PrefixCache.Root, A);
        int b = Add(prefixes, cache, null, a, B);
        int c = Add(prefixes, cache, null, PrefixCache.Root, C);
        Assert.False(prefixes.TryEvict());

        prefixes.Leave(b); // a and b
        prefixes.Leave(c);
        Assert.Equal(3, prefixes.Unused);
        Assert.True(prefixes.TryUse(null, PrefixCache.Root, A, out _)); // a is used again; b is the oldest of the others
        Assert.True(prefixes.TryEvict());
        Assert.False(prefixes.TryUse(null, a, B, out _));
        Assert.True(prefixes.TryEvict()); // c
        Assert.False(prefixes.TryEvict());
        Assert.Equal((2, 0), (cache.FreeBlocks, prefixes.Unused));
    }

    [Fact]
    public void Who_fills_an_equal_block_later_uses_the_one_that_is_known()
    {
        using KvCache cache = NewCache(2);
        var prefixes = new PrefixCache(cache);
        Assert.True(cache.TryTake(out int mine));
        Assert.True(cache.TryTake(out int yours));
        Assert.Equal(mine, prefixes.Add(null, PrefixCache.Root, A, mine));
        Assert.Equal(mine, prefixes.Add(null, PrefixCache.Root, A, yours));
        cache.Return(mine);
        cache.Return(yours);
        prefixes.Leave(mine);
        Assert.False(prefixes.TryEvict()); // the second one still uses it
        prefixes.Leave(mine);
        Assert.True(prefixes.TryEvict());
        Assert.Equal(2, cache.FreeBlocks);
    }

    [Fact]
    public void The_nearest_block_is_the_one_that_begins_alike_for_longest_behind_the_same_parent_and_in_the_same_scope()
    {
        using KvCache cache = NewCache(5);
        var prefixes = new PrefixCache(cache);
        int[] shared = [.. A[..9], .. C[9..]];
        int a = Add(prefixes, cache, "tenant", PrefixCache.Root, A);
        int child = Add(prefixes, cache, "tenant", a, B);
        int alike = Add(prefixes, cache, "tenant", PrefixCache.Root, shared);
        int foreign = Add(prefixes, cache, "other", PrefixCache.Root, B);

        Assert.Equal((a, 10), (prefixes.Nearest("tenant", PrefixCache.Root, [.. A[..10], -1], out int agreeing), agreeing));
        Assert.Equal((alike, 12), (prefixes.Nearest("tenant", PrefixCache.Root, shared.AsSpan(0, 12), out agreeing), agreeing));
        Assert.Equal((child, 16), (prefixes.Nearest("tenant", a, B, out agreeing), agreeing));
        Assert.Equal((foreign, 5), (prefixes.Nearest("other", PrefixCache.Root, B.AsSpan(0, 5), out agreeing), agreeing));
        prefixes.Nearest("tenant", PrefixCache.Root, B, out agreeing);
        Assert.Equal(0, agreeing);
        prefixes.Nearest(null, PrefixCache.Root, A, out agreeing);
        Assert.Equal(0, agreeing);

        prefixes.Leave(alike);
        Assert.True(prefixes.TryEvict());
        Assert.Equal((a, 9), (prefixes.Nearest("tenant", PrefixCache.Root, shared.AsSpan(0, 12), out agreeing), agreeing));
    }

    /// <summary>Against a plain model: a list of token sequences in order of use. No child is ever found behind a parent that is gone.</summary>
    [Theory]
    [InlineData(uint.MaxValue)]
    [InlineData(1u)]
    public void Random_use_finds_what_a_plain_list_would_find(uint hashMask)
    {
        var random = new Random(11);
        using KvCache cache = NewCache(12);
        var prefixes = new PrefixCache(cache, hashMask);
        var known = new HashSet<string>();
        var held = new Dictionary<int, string>();
        for (int turn = 0; turn < 5000; turn++)
        {
            int last = PrefixCache.Root;
            string path = "";
            for (int depth = 0; depth < 1 + random.Next(4); depth++)
            {
                int kind = random.Next(3);
                if (prefixes.TryUse(null, last, Block(kind), out int block))
                {
                    Assert.Contains(path + kind, known);
                    Assert.Equal(path + kind, held[block]);
                }
                else
                {
                    Assert.DoesNotContain(path + kind, known);
                    int free;
                    while (!cache.TryTake(out free))
                    {
                        Assert.True(prefixes.TryEvict());
                        int gone = held.Keys.Single(candidate => !IsKept(candidate));
                        Assert.DoesNotContain(known, other => other.Length > held[gone].Length && other.StartsWith(held[gone], StringComparison.Ordinal));
                        known.Remove(held[gone]);
                        held.Remove(gone);
                    }

                    block = prefixes.Add(null, last, Block(kind), free);
                    cache.Return(free);
                    known.Add(path + kind);
                    held[block] = path + kind;
                }

                last = block;
                path += kind;
            }

            prefixes.Leave(last);
            Assert.Equal(cache.Blocks, cache.FreeBlocks + prefixes.Unused);
        }

        // A block that was just given back is the one that the cache hands out next.
        bool IsKept(int candidate)
        {
            Assert.True(cache.TryTake(out int next));
            cache.Return(next);
            return candidate != next;
        }
    }

    private static int Add(PrefixCache prefixes, KvCache cache, string? scope, int parent, int[] tokens)
    {
        Assert.True(cache.TryTake(out int block));
        Assert.Equal(block, prefixes.Add(scope, parent, tokens, block));
        cache.Return(block); // the sequence that filled it is gone; the cache holds it
        return block;
    }

    private static int[] Block(int kind) => [.. Enumerable.Repeat(kind, KvCache.BlockPositions)];

    private static KvCache NewCache(int blocks) => new(KvType.F32, layers: 1, heads: 1, keyDimension: 1, valueDimension: 1, blocks);
}
