using Fairlead.Engine.Constraints.Automata;

namespace Fairlead.Engine.Constraints;

/// <summary>An automaton beside a vocabulary: what all answers under one constraint share. For several threads, one at a time.</summary>
/// <remarks>
/// A mask is the union over the alternatives of a state; of each alternative the first expression is looked up or walked alone, and only where
/// it may be over the walk goes on with what follows. First expressions recur at every depth and in every schema, whole states do not: so the
/// masks of strings and numbers are kept, by expression, and computing a state's mask mostly means copying one.
/// (The idea of splitting tokens into those a local state decides and those that reach beyond is XGrammar's, arXiv:2411.15100 §3.1.)
/// </remarks>
internal sealed class ConstraintMachine
{
    /// <summary>A walk over fewer nodes of the trie than this is not worth keeping: it takes about 10 µs.</summary>
    private const int WorthKeeping = 1024;

    /// <summary>Counts up to this many repetitions are told apart in masks; above it, tokens that could reach the end are tried one by one.</summary>
    private const int CountLimit = 24;

    /// <summary>Options of a choice that are looked up one by one.</summary>
    private const int SeparateOptions = 6;

    private readonly Grammar _grammar;
    private readonly TokenTrie _trie;
    private readonly Automaton _automaton;
    private readonly HeadMasks<int> _heads = new(2 * 1024 * 1024);
    private readonly HashSet<int> _quick = [];
    private readonly Lock _guard = new();
    private readonly int[] _path;
    private readonly ulong[] _scratch;
    private readonly List<int> _exits = [];
    private readonly int _growth;
    private int _limit;
    private ConstraintMachine? _successor;
    private int _visited;

    /// <summary>A machine that has read nothing.</summary>
    /// <param name="growth">States it may add before another takes over: <see cref="Automaton.SoftLimit"/> but in tests.</param>
    public ConstraintMachine(Grammar grammar, TokenTrie trie, int growth = Automaton.SoftLimit)
    {
        (_grammar, _trie, _growth) = (grammar, trie, growth);
        _automaton = new Automaton(grammar);
        _path = new int[trie.LongestToken + 1];
        _scratch = new ulong[trie.MaskLength];
        Start = _automaton.Start;
        _limit = _automaton.Count + growth;
    }

    /// <summary>The state before the first byte.</summary>
    public int Start { get; }

    /// <summary>The vocabulary.</summary>
    public TokenTrie Trie => _trie;

    /// <summary>States of the automaton.</summary>
    public int States => _automaton.Count;

    /// <summary>Bytes held, roughly.</summary>
    public long Bytes
    {
        get
        {
            lock (_guard)
                return _automaton.Bytes + _heads.Bytes;
        }
    }

    /// <summary>
    /// The machine to go on with: this one, or, when its automaton has grown large, a fresh one into which <paramref name="state"/> is moved.
    /// All answers under the constraint move to the same one, each at its next token, and the old one is forgotten with the last of them.
    /// </summary>
    public ConstraintMachine Current(ref int state)
    {
        lock (_guard)
        {
            if (_automaton.Count < _limit)
                return this;
            ConstraintMachine successor = _successor ??= new ConstraintMachine(_grammar, _trie, _growth);
            // The old automaton is only read here, but another thread may be extending it: both locks, always old before new.
            lock (successor._guard)
            {
                successor.Allow(Automaton.SoftLimit * 16);
                state = successor._automaton.Adopt(_automaton, state);
                // What has been brought along does not count as growth, or a large state would move for ever.
                successor._limit = Math.Max(successor._limit, successor._automaton.Count + (_growth / 2));
            }

            return successor;
        }
    }

    /// <summary>The state after all of <paramref name="bytes"/>; <see cref="Automaton.Never"/> where they may not come.</summary>
    /// <param name="effort">What the answer may still cost; lowered by what this costs.</param>
    public int Step(int state, ReadOnlySpan<byte> bytes, ref long effort)
    {
        lock (_guard)
        {
            long before = Allow(effort);
            state = StepUnguarded(state, bytes);
            effort -= _automaton.Effort - before;
            return state;
        }
    }

    public bool MayEnd(int state)
    {
        lock (_guard)
            return _automaton.MayEnd(state);
    }

    public long LeastBytes(int state, ref long effort)
    {
        lock (_guard)
        {
            long before = Allow(effort);
            long least = _automaton.LeastBytes(state);
            effort -= _automaton.Effort - before;
            return least;
        }
    }

    /// <summary>Sets the bits of exactly those tokens that may come in <paramref name="state"/>.</summary>
    /// <param name="effort">What the answer may still cost; lowered by what this costs.</param>
    public void Allowed(int state, Span<ulong> mask, ref long effort)
    {
        lock (_guard)
        {
            long before = Allow(effort);
            mask.Clear();
            int exactBelow = int.MaxValue;
            AddState(state, mask, ref exactBelow);
            foreach (int token in _trie.TokensByLength)
            {
                ReadOnlySpan<byte> bytes = _trie.BytesOf(token);
                if (bytes.Length < exactBelow)
                    break;
                Set(mask, token, StepUnguarded(state, bytes) != Automaton.Never);
            }

            if (_automaton.MayEnd(state))
            {
                foreach (int token in _trie.EndTokens)
                    Set(mask, token, true);
            }

            effort -= _automaton.Effort - before;
        }
    }

    private long Allow(long effort)
    {
        _automaton.EffortLimit = _automaton.Effort + effort;
        return _automaton.Effort;
    }

    private static void Set(Span<ulong> mask, int token, bool allowed)
    {
        if (allowed)
            mask[token >> 6] |= 1UL << (token & 63);
        else
            mask[token >> 6] &= ~(1UL << (token & 63));
    }

    private int StepUnguarded(int state, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            state = _automaton.Step(state, value);
            if (state == Automaton.Never)
                break;
        }

        return state;
    }

    private void AddState(int state, Span<ulong> mask, ref int exactBelow)
    {
        while (_automaton.KindOf(state) == NodeKind.Sequence)
        {
            (int first, int then) = _automaton.PartsOf(state);
            AddHead(first, then, mask, ref exactBelow);
            if (!_automaton.MayEnd(first))
                return;
            state = then;
        }

        // Many options are walked at once, or each of two hundred patterns would have its own walk over the vocabulary.
        if (_automaton.KindOf(state) != NodeKind.Choice || _automaton.OptionsOf(state).Length > SeparateOptions)
        {
            AddHead(state, Automaton.Nothing, mask, ref exactBelow);
            return;
        }

        // By place and not by span: the automaton's lists grow while the options are walked.
        int count = _automaton.OptionsOf(state).Length;
        for (int option = 0; option < count; option++)
            AddState(_automaton.OptionsOf(state)[option], mask, ref exactBelow);
    }

    private void AddHead(int head, int then, Span<ulong> mask, ref int exactBelow)
    {
        HeadMask? kept = Head(_automaton.Clamp(head, CountLimit, ref exactBelow));
        ReadOnlySpan<ulong> inside = kept is null ? _scratch : kept.Mask;
        for (int word = 0; word < mask.Length; word++)
            mask[word] |= inside[word];
        if (then == Automaton.Nothing)
            return;
        // A walk of what follows never asks for a head, so the list of exits of a mask that is not kept stays as it is.
        int count = kept is null ? _exits.Count : kept.Exits.Length;
        for (int exit = 0; exit < count; exit++)
            Walk(then, kept is null ? _exits[exit] : kept.Exits[exit], mask, exits: null);
    }

    /// <summary>The mask of <paramref name="head"/> alone; null where it was quickly made and stands in the scratch fields.</summary>
    private HeadMask? Head(int head)
    {
        if (_heads.Find(head) is { } known)
            return known;
        UInt128? fingerprint = null;
        // A head whose first bytes begin many tokens is probably a string: then another schema may have walked it already.
        bool mayBeLong = !_quick.Contains(head) && TokensWithin(head) >= WorthKeeping;
        if (mayBeLong && (fingerprint = _automaton.Fingerprint(head)) is { } print && _trie.SharedMasks.Find(print) is { } shared)
        {
            _heads.Keep(head, shared);
            return shared;
        }

        _scratch.AsSpan().Clear();
        _exits.Clear();
        _visited = 0;
        Walk(head, 0, _scratch, _exits);
        if (_visited < WorthKeeping)
        {
            if (mayBeLong)
                _quick.Add(head);
            return null;
        }

        var made = new HeadMask([.. _scratch], [.. _exits]);
        _heads.Keep(head, made);
        if (fingerprint is { } key)
            _trie.SharedMasks.Keep(key, made);
        return made;
    }

    /// <summary>Nodes of the trie below those first bytes that <paramref name="head"/> accepts: an upper bound for a walk.</summary>
    private int TokensWithin(int head)
    {
        ReadOnlySpan<TokenTrieNode> nodes = _trie.Nodes;
        int within = 0;
        for (int at = 1; at < nodes.Length; at = nodes[at].End)
        {
            if (_automaton.Step(head, nodes[at].Label) != Automaton.Never)
                within += nodes[at].End - at;
        }

        return within;
    }

    /// <summary>Marks the tokens below <paramref name="from"/> that <paramref name="state"/> accepts there, and notes where it may be over.</summary>
    private void Walk(int state, int from, Span<ulong> mask, List<int>? exits)
    {
        ReadOnlySpan<TokenTrieNode> nodes = _trie.Nodes;
        int top = nodes[from].Depth;
        int end = nodes[from].End;
        _path[top] = state;
        int at = from + 1;
        while (at < end)
        {
            TokenTrieNode node = nodes[at];
            int next = _automaton.Step(_path[node.Depth - 1], node.Label);
            _visited++;
            if (next == Automaton.Never)
            {
                at = node.End;
                continue;
            }

            _path[node.Depth] = next;
            for (int token = node.Token; token >= 0; token = _trie.NextWithSameBytes(token))
                mask[token >> 6] |= 1UL << (token & 63);
            if (exits is not null && _automaton.MayEnd(next))
                exits.Add(at);
            at = next == Automaton.Nothing ? node.End : at + 1;
        }
    }
}
