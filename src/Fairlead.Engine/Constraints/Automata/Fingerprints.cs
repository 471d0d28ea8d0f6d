using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Fairlead.Engine.Constraints.Automata;

/// <summary>What expressions accept as a number that is the same in every automaton of every grammar: numbers of expressions, sets and literals do not enter it.</summary>
internal sealed class Fingerprints(Grammar grammar, NodeTable nodes)
{
    private readonly Dictionary<int, UInt128?> _known = [];

    /// <summary>Half of a SHA-256 over the expression; null where it depends on a rule.</summary>
    public UInt128? Of(int state)
    {
        if (_known.TryGetValue(state, out UInt128? print))
            return print;
        Node node = nodes[state];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData([(byte)node.Kind]);
        bool complete = true;
        switch (node.Kind)
        {
            case NodeKind.Bytes:
                hash.AppendData(MemoryMarshal.AsBytes(new ReadOnlySpan<ByteSet>(in grammar.Sets[node.A])));
                break;
            case NodeKind.Literal:
                hash.AppendData(grammar.Literals[node.A].AsSpan(node.B));
                break;
            case NodeKind.Multiple:
                hash.AppendData(MemoryMarshal.AsBytes<int>([grammar.Divisors[node.A].Units, grammar.Divisors[node.A].FractionDigits, node.B, node.C]));
                break;
            case NodeKind.Choice:
                complete = AppendSorted(hash, nodes.OptionsOf(state));
                break;
            case NodeKind.Both:
                complete = AppendSorted(hash, [node.A, node.B]);
                break;
            case NodeKind.Sequence:
                complete = Append(hash, node.A) & Append(hash, node.B);
                break;
            case NodeKind.Repeat or NodeKind.Except or NodeKind.Lexeme:
                complete = Append(hash, node.A);
                hash.AppendData(MemoryMarshal.AsBytes<int>([node.B, node.C]));
                break;
            default:
                complete = node.Kind != NodeKind.Rule;
                break;
        }

        print = complete ? MemoryMarshal.Read<UInt128>(hash.GetHashAndReset()) : null;
        _known.Add(state, print);
        return print;
    }

    // False where the part has no fingerprint; the whole has none then, whatever else is appended.
    private bool Append(IncrementalHash hash, int part)
    {
        UInt128? print = Of(part);
        hash.AppendData(MemoryMarshal.AsBytes<UInt128>([print.GetValueOrDefault()]));
        return print is not null;
    }

    // Parts whose order means nothing stand in that of their numbers, which is another one in another automaton.
    private bool AppendSorted(IncrementalHash hash, ReadOnlySpan<int> parts)
    {
        UInt128[] prints = new UInt128[parts.Length];
        for (int at = 0; at < parts.Length; at++)
        {
            if (Of(parts[at]) is not { } print)
                return false;
            prints[at] = print;
        }

        Array.Sort(prints);
        hash.AppendData(MemoryMarshal.AsBytes(prints.AsSpan()));
        return true;
    }
}
