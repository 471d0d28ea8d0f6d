using System.Numerics;
using Fairlead.Engine.Constraints.Automata;

namespace Fairlead.Engine.Constraints;

/// <summary>Which tokens may come next in one answer under a constraint. One number of state and a reference to what all answers share.</summary>
/// <remarks>
/// One answer's thread at a time. Every member may end with a <see cref="ConstraintException"/> where the automaton outgrows its memory or costs
/// too much time, which only constraints built for it do: the answer cannot go on then, the others can.
/// </remarks>
public sealed class TokenConstraint
{
    /// <summary>Work an answer may cost at once: about 0.2 s. Of the schemas in tests/data/schemas.json none has cost a hundredth of it.</summary>
    private const long Savings = 1_000_000;

    /// <summary>Work that each token adds to what may be spent, so that an answer of a thousand tokens may cost more than one of ten: about 2 ms.</summary>
    private const long EffortPerToken = 10_000;

    private ConstraintMachine _machine;
    private int _state;
    private bool _ended;
    private long _effort = Savings;

    internal TokenConstraint(ConstraintMachine machine, int state) => (_machine, _state) = (machine, state);

    private TokenConstraint(TokenConstraint other) => 
        (_machine, _state, _ended, _effort, HasMoved) = (other._machine, other._state, other._ended, other._effort, other.HasMoved);

    /// <summary>Words of 64 bits that <see cref="Allowed"/> fills.</summary>
    public int MaskLength => _machine.Trie.MaskLength;

    /// <summary>The text so far satisfies the constraint: an end token is allowed.</summary>
    public bool MayEnd => !_ended && _machine.MayEnd(_state);

    /// <summary>The text so far satisfies the constraint and nothing may follow: generation ends here, with or without an end token.</summary>
    public bool MustEnd => _ended || _state == Automaton.Nothing;

    /// <summary>The least number of bytes after which the text may end; 0 where it may now. A lower bound where patterns are intersected.</summary>
    public long LeastBytesToEnd => MayEnd || _ended ? 0 : _machine.LeastBytes(_state, ref _effort);

    /// <summary>States of the automaton this answer stands in.</summary>
    internal int StatesHeld => _machine.States;

    /// <summary>What may still be spent.</summary>
    internal long EffortLeft => _effort;

    /// <summary>The automaton this answer began with has made way for another.</summary>
    internal bool HasMoved { get; private set; }

    /// <summary>Writes one bit for each token of the vocabulary, lowest first: set where the token may come next, end tokens included.</summary>
    /// <param name="mask"><see cref="MaskLength"/> words; overwritten.</param>
    /// <remarks>
    /// Measured with 128,256 made-up tokens on one shared core (Emerald Rapids): 5 to 25 µs in half of the places (71 at most beside other work), 5 to 55 µs on
    /// average where all names are declared, 90 to 140 where names are free or strings many, 200 to 280 for any object; 0.7 ms at worst, after
    /// the end of a name that is not declared. The first string under a vocabulary takes 12 to 47 ms (compiling the walk included), once.
    /// Nothing is allocated once the states of an answer's shape have been met.
    /// </remarks>
    public void Allowed(Span<ulong> mask)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(mask.Length, MaskLength);
        if (_ended)
        {
            mask.Clear();
            return;
        }

        Move();
        _machine.Allowed(_state, mask, ref _effort);
    }

    /// <summary>Whether <paramref name="token"/> may come next; costs a step for each of its bytes and no mask. For greedy sampling: ask for the best first.</summary>
    public bool Accepts(int token) => TryFollow(token, out _, out _);

    /// <summary>Takes <paramref name="token"/> as the next one; false, with nothing changed, where it may not come.</summary>
    public bool TryAccept(int token)
    {
        Move();
        if (!TryFollow(token, out int next, out bool ends))
            return false;
        _state = next;
        _ended = ends;
        _effort = Math.Min(_effort + EffortPerToken, Savings);
        return true;
    }

    /// <summary>The only token that may come next, if there is exactly one: it needs no step of the model.</summary>
    /// <param name="mask">Scratch of <see cref="MaskLength"/> words; holds the mask afterwards.</param>
    public bool TryForced(Span<ulong> mask, out int token)
    {
        Allowed(mask);
        token = -1;
        for (int word = 0; word < mask.Length; word++)
        {
            if (mask[word] == 0)
                continue;
            if (token >= 0 || !BitOperations.IsPow2(mask[word]))
                return false;
            token = (word * 64) + BitOperations.TrailingZeroCount(mask[word]);
        }

        return token >= 0;
    }

    /// <summary>A second answer that goes on from here.</summary>
    public TokenConstraint Fork() => new(this);

    private void Move()
    {
        ConstraintMachine current = _machine.Current(ref _state);
        HasMoved |= current != _machine;
        _machine = current;
    }

    private bool TryFollow(int token, out int next, out bool ends)
    {
        (next, ends) = (_state, false);
        if (_ended || (uint)token >= (uint)_machine.Trie.VocabularySize)
            return false;
        ReadOnlySpan<byte> bytes = _machine.Trie.BytesOf(token);
        if (!bytes.IsEmpty)
            return (next = _machine.Step(_state, bytes, ref _effort)) != Automaton.Never;
        ends = Array.IndexOf(_machine.Trie.EndTokens, token) >= 0 && _machine.MayEnd(_state);
        return ends;
    }
}
