using System.Numerics;
using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Tokenizers.Models;

/// <summary>A table from 64-bit keys to 64-bit values in two flat arrays: what merges and tries are looked up in, millions of times a second.</summary>
/// <remarks>Filled first, then only read, by any number of threads. The key <see cref="ulong.MaxValue"/> is not allowed.</remarks>
internal sealed class FlatMap
{
    // At most two thirds full and with mixed bits, chains of more than a few dozen do not come about by accident.
    private const int LongestProbe = 4096;

    private readonly string _file;
    private ulong[] _keys;
    private ulong[] _values;
    private int _shift;
    private int _count;

    /// <param name="expected">A guess at the number of keys; the table grows.</param>
    public FlatMap(string file, int expected)
    {
        _file = file;
        (_keys, _values, _shift) = Room(Math.Max(16, expected) + Math.Max(16, expected) / 2);
    }

    /// <summary>Adds or replaces.</summary>
    /// <exception cref="ModelFileException">The keys were chosen to collide.</exception>
    public void Set(ulong key, ulong value)
    {
        if (_count >= _keys.Length / 3 * 2)
            Grow();
        int slot = Slot(key);
        for (int probes = 0; _keys[slot] != key && _keys[slot] != ulong.MaxValue; probes++)
        {
            if (probes == LongestProbe)
                throw new ModelFileException(_file, null, "the vocabulary is made so that its entries collide; it is not read");
            slot = (slot + 1) & (_keys.Length - 1);
        }

        _count += _keys[slot] == key ? 0 : 1;
        _keys[slot] = key;
        _values[slot] = value;
    }

    public bool TryGet(ulong key, out ulong value)
    {
        ulong[] keys = _keys;
        int slot = Slot(key);
        while (true)
        {
            ulong found = keys[slot];
            if (found == key)
            {
                value = _values[slot];
                return true;
            }

            if (found == ulong.MaxValue)
            {
                value = 0;
                return false;
            }

            slot = (slot + 1) & (keys.Length - 1);
        }
    }

    private static (ulong[] Keys, ulong[] Values, int Shift) Room(int slots)
    {
        int size = (int)BitOperations.RoundUpToPowerOf2((uint)slots);
        ulong[] keys = new ulong[size];
        Array.Fill(keys, ulong.MaxValue);
        return (keys, new ulong[size], 64 - BitOperations.Log2((uint)size));
    }

    private void Grow()
    {
        (ulong[] keys, ulong[] values) = (_keys, _values);
        (_keys, _values, _shift) = Room(checked(keys.Length * 2));
        _count = 0;
        for (int i = 0; i < keys.Length; i++)
        {
            if (keys[i] != ulong.MaxValue)
                Set(keys[i], values[i]);
        }
    }

    private int Slot(ulong key)
    {
        key ^= key >> 32;
        key *= 0x9E3779B97F4A7C15;
        key ^= key >> 29;
        key *= 0xBF58476D1CE4E5B9;
        return (int)(key >> _shift);
    }
}
