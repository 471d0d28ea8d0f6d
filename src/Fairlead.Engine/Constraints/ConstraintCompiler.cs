using Fairlead.Engine.Constraints.Automata;

namespace Fairlead.Engine.Constraints;

/// <summary>Makes constraints over one vocabulary and keeps those made last, since most callers send the same schema again. For any number of threads.</summary>
/// <param name="trie">The vocabulary.</param>
public sealed class ConstraintCompiler(TokenTrie trie)
{
    /// <summary>Constraints kept.</summary>
    public const int MaxKept = 64;

    /// <summary>Memory that kept constraints may hold together: 64 MiB.</summary>
    public const long MaxKeptBytes = 64L << 20;

    private readonly Dictionary<string, LinkedListNode<(string Key, ConstraintMachine Machine)>> _kept = [];
    private readonly LinkedList<(string Key, ConstraintMachine Machine)> _order = [];
    private readonly Lock _guard = new();

    /// <summary>The vocabulary.</summary>
    public TokenTrie Trie => trie;

    /// <summary>States an automaton may add before another takes over.</summary>
    internal int Growth { get; init; } = Automaton.SoftLimit;

    /// <summary>Constraints kept now.</summary>
    internal int Kept
    {
        get
        {
            lock (_guard)
                return _order.Count;
        }
    }

    /// <summary>Constraints compiled so far.</summary>
    internal int Compiled { get; private set; }

    /// <summary>A constraint at its beginning.</summary>
    /// <exception cref="ConstraintException"><paramref name="spec"/> asks for what is not supported or cannot be satisfied.</exception>
    public TokenConstraint Start(ConstraintSpec spec)
    {
        string key = spec.Key;
        lock (_guard)
        {
            if (_kept.TryGetValue(key, out LinkedListNode<(string Key, ConstraintMachine Machine)>? known))
            {
                _order.Remove(known);
                _order.AddFirst(known);
                // A machine that has grown large makes way for its successor, or it would never be forgotten.
                (TokenConstraint begun, known.Value) = Begin(key, known.Value.Machine);
                return begun;
            }
        }

        // Compiled outside the lock: a large schema takes milliseconds, and two callers compiling the same one do no harm.
        var machine = new ConstraintMachine(GrammarCompiler.Compile(spec), trie, Growth);
        lock (_guard)
        {
            Compiled++;
            if (!_kept.ContainsKey(key))
                _kept.Add(key, _order.AddFirst((key, machine)));
            long bytes = _order.Sum(static kept => kept.Machine.Bytes);
            while (_order.Count > 1 && (_order.Count > MaxKept || bytes > MaxKeptBytes))
            {
                (string oldest, ConstraintMachine gone) = _order.Last!.Value;
                bytes -= gone.Bytes;
                _order.RemoveLast();
                _kept.Remove(oldest);
            }
        }

        return Begin(key, machine).Constraint;
    }

    private static (TokenConstraint Constraint, (string Key, ConstraintMachine Machine) Kept) Begin(string key, ConstraintMachine machine)
    {
        int state = machine.Start;
        machine = machine.Current(ref state);
        return (new TokenConstraint(machine, state), (key, machine));
    }
}
