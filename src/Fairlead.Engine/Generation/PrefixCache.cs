namespace Fairlead.Engine.Generation;

/// <summary>Full blocks that some sequence has computed, by the tokens they stand for and all tokens before: a prompt that begins alike takes them instead of computing them again.</summary>
/// <remarks>
/// A block's identity is its parent's block and its own 16 tokens, compared token by token: the hash only finds the candidates, because
/// two prompts that merely hash alike must never see each other's keys and values. The first block also compares its scope, so that what
/// one tenant asked cannot be told from how fast another one is answered. A prompt that leaves a text in the middle of a block finds that block, too, among
/// the ones that follow the last block it shares.
/// A block that a sequence uses stays. One that nobody uses any more waits in order of last use and goes when somebody needs the room.
/// A sequence leaves its blocks deepest first, so a parent is always younger than its children and the oldest of all has none: what is
/// thrown out never leaves a child behind whose parent is somebody else. Everything lies in flat arrays by block number, made once.
/// Used by the batch loop's thread only.
/// </remarks>
internal sealed class PrefixCache
{
    /// <summary>The parent of a prompt's first block.</summary>
    public const int Root = -1;

    private const int None = -1;

    /// <summary>Of the blocks that follow one, as many of the latest are compared with a prompt that goes on like none of them: hundreds of prompts may follow one beginning.</summary>
    private const int MostCompared = 32;

    private readonly KvCache _cache;
    private readonly uint _hashMask;
    private readonly int[] _heads; // hash bucket → block
    private readonly int[] _next;
    private readonly int[] _parent;
    private readonly int[] _tokens;
    private readonly uint[] _hash;
    private readonly string?[] _scope;
    private readonly int[] _users;
    private readonly int[] _younger;
    private readonly int[] _older;
    private readonly int[] _firstChild; // the latest; the last entry is the root's
    private readonly int[] _earlierSibling;
    private readonly int[] _laterSibling;
    private int _oldest = None;
    private int _youngest = None;

    /// <param name="hashMask">Bits of the hash that are used: fewer, and more blocks hash alike, which changes nothing but the time.</param>
    public PrefixCache(KvCache cache, uint hashMask = uint.MaxValue)
    {
        (_cache, _hashMask) = (cache, hashMask);
        int blocks = cache.Blocks;
        _heads = new int[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)blocks)];
        Array.Fill(_heads, None);
        (_next, _parent, _hash, _scope, _users) = (new int[blocks], new int[blocks], new uint[blocks], new string?[blocks], new int[blocks]);
        (_younger, _older) = (new int[blocks], new int[blocks]);
        (_firstChild, _earlierSibling, _laterSibling) = (new int[blocks + 1], new int[blocks], new int[blocks]);
        Array.Fill(_firstChild, None);
        _tokens = new int[blocks * KvCache.BlockPositions];
    }

    /// <summary>Bytes that the account of <paramref name="blocks"/> blocks takes.</summary>
    public static long BytesFor(int blocks) =>
        (blocks * (((9L + KvCache.BlockPositions) * sizeof(int)) + IntPtr.Size)) + (System.Numerics.BitOperations.RoundUpToPowerOf2((uint)blocks) * (long)sizeof(int));

    /// <summary>Blocks that are kept although no sequence uses them: free, as far as anybody who needs one is concerned.</summary>
    public int Unused { get; private set; }

    /// <summary>Uses the block that follows <paramref name="parent"/> with these 16 tokens, if there is one; the caller leaves it with <see cref="Leave"/>.</summary>
    public bool TryUse(string? scope, int parent, ReadOnlySpan<int> tokens, out int block)
    {
        block = Find(scope, parent, tokens, Hash(scope, parent, tokens));
        if (block == None)
            return false;
        Use(block);
        return true;
    }

    /// <summary>The kept block that follows <paramref name="parent"/> and begins with most of these tokens; its first <paramref name="agreeing"/> positions may be copied. 0: there is none.</summary>
    /// <param name="tokens">At most 16.</param>
    public int Nearest(string? scope, int parent, ReadOnlySpan<int> tokens, out int agreeing)
    {
        int nearest = None, left = MostCompared;
        agreeing = 0;
        for (int block = FirstChild(parent); block != None && left > 0; block = _earlierSibling[block], left--)
        {
            if (parent == Root && !string.Equals(_scope[block], scope, StringComparison.Ordinal))
                continue;
            int common = tokens.CommonPrefixLength(TokensOf(block));
            if (common > agreeing)
                (nearest, agreeing) = (block, common);
        }

        return nearest;
    }

    /// <summary>
    /// A sequence that uses <paramref name="parent"/> has filled <paramref name="block"/> with these tokens. Gives the block it uses from now
    /// on: that one, or an equal one that another sequence was first with.
    /// </summary>
    public int Add(string? scope, int parent, ReadOnlySpan<int> tokens, int block)
    {
        uint hash = Hash(scope, parent, tokens);
        int known = Find(scope, parent, tokens, hash);
        if (known == None)
        {
            known = block;
            _cache.Share(block);
            (_parent[block], _hash[block], _scope[block], _users[block]) = (parent, hash, parent == Root ? scope : null, 0);
            tokens.CopyTo(TokensOf(block));
            ref int head = ref _heads[hash & (uint)(_heads.Length - 1)];
            (_next[block], head) = (head, block);
            _users[block] = 1;
            ref int child = ref FirstChild(parent);
            (_earlierSibling[block], _laterSibling[block]) = (child, None);
            if (child != None)
                _laterSibling[child] = block;
            child = block;
        }
        else
        {
            Use(known);
        }

        return known;
    }

    /// <summary>A sequence that used <paramref name="last"/> and all blocks before it uses them no longer. <see cref="Root"/>: it used none.</summary>
    public void Leave(int last)
    {
        for (int block = last; block != Root; block = _parent[block])
        {
            if (--_users[block] > 0)
                continue;
            Unused++;
            (_older[block], _younger[block]) = (_youngest, None);
            if (_youngest == None)
                _oldest = block;
            else
                _younger[_youngest] = block;
            _youngest = block;
        }
    }

    /// <summary>Gives the block that was not used for longest back to the cache; false when all that are kept are in use.</summary>
    public bool TryEvict()
    {
        int block = _oldest;
        if (block == None)
            return false;
        Unlink(block);
        ref int at = ref _heads[_hash[block] & (uint)(_heads.Length - 1)];
        while (at != block)
            at = ref _next[at];
        at = _next[block];
        (int earlier, int later) = (_earlierSibling[block], _laterSibling[block]);
        if (later == None)
            FirstChild(_parent[block]) = earlier;
        else
            _earlierSibling[later] = earlier;
        if (earlier != None)
            _laterSibling[earlier] = later;
        _scope[block] = null;
        _cache.Return(block);
        return true;
    }

    private void Use(int block)
    {
        if (_users[block]++ == 0)
            Unlink(block);
    }

    private void Unlink(int block)
    {
        Unused--;
        (int older, int younger) = (_older[block], _younger[block]);
        if (older == None)
            _oldest = younger;
        else
            _younger[older] = younger;
        if (younger == None)
            _youngest = older;
        else
            _older[younger] = older;
    }

    private int Find(string? scope, int parent, ReadOnlySpan<int> tokens, uint hash)
    {
        for (int block = _heads[hash & (uint)(_heads.Length - 1)]; block != None; block = _next[block])
        {
            if (_hash[block] == hash && _parent[block] == parent && tokens.SequenceEqual(TokensOf(block))
                && (parent != Root || string.Equals(_scope[block], scope, StringComparison.Ordinal)))
                return block;
        }

        return None;
    }

    private ref int FirstChild(int parent) => ref _firstChild[parent == Root ? ^1 : parent];

    private Span<int> TokensOf(int block) => _tokens.AsSpan(block * KvCache.BlockPositions, KvCache.BlockPositions);

    /// <summary>HashCode is seeded anew in every process: nobody outside can make prompts that share a bucket.</summary>
    private uint Hash(string? scope, int parent, ReadOnlySpan<int> tokens)
    {
        HashCode hash = default;
        hash.Add(parent);
        if (parent == Root)
            hash.Add(scope, StringComparer.Ordinal);
        hash.AddBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(tokens));
        return (uint)hash.ToHashCode() & _hashMask;
    }
}
