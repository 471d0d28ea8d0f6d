using System.Buffers.Binary;

namespace Fairlead.Engine.Tokenizers.Unicode;

/// <summary>The Unicode data that .NET leaves to ICU: canonical classes, decompositions, compositions and scripts (Unicode 15.0).</summary>
/// <remarks>
/// We run with invariant globalization, where <see cref="string.Normalize()"/> returns its input without a word. The data is the embedded
/// resource that <c>make-tables.py</c> writes; it is read once, when first needed, and never changes. General categories and simple case
/// mappings come from .NET itself, which has them without ICU.
/// </remarks>
internal static class UnicodeTables
{
    private const int BlockBits = 7;
    private const int BlockSize = 1 << BlockBits;

    // Two stages: a code point's block, then its row. Most blocks are the empty one, so 1.1 million code points take some 60 kB.
    private static readonly TwoStage s_classes = new();
    private static readonly TwoStage s_decompositions = new();
    private static readonly TwoStage s_scripts = new();
    private static readonly int[] s_canonical;
    private static readonly int[] s_compatible;
    private static readonly int[] s_pool;
    private static readonly Dictionary<long, int> s_compositions;
    private static readonly string[] s_scriptNames;

    static UnicodeTables()
    {
        using Stream resource = typeof(UnicodeTables).Assembly.GetManifestResourceStream("Fairlead.Engine.Unicode")
            ?? throw new InvalidOperationException("the Unicode tables are not in the assembly");
        byte[] bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        var rows = new Rows(bytes);

        for (int left = rows.Next(); left > 0; left--)
        {
            int first = rows.Next(), last = rows.Next(), value = rows.Next();
            s_classes.Fill(first, last, value);
        }

        int count = rows.Next();
        s_canonical = new int[count + 1];
        s_compatible = new int[count + 1];
        for (int entry = 1; entry <= count; entry++)
        {
            int code = rows.Next();
            s_canonical[entry] = rows.Next();
            s_compatible[entry] = rows.Next();
            s_decompositions.Fill(code, code, entry);
        }

        s_pool = new int[rows.Next()];
        for (int i = 0; i < s_pool.Length; i++)
            s_pool[i] = rows.Next();

        count = rows.Next();
        s_compositions = new Dictionary<long, int>(count);
        for (; count > 0; count--)
        {
            long key = PairKey(rows.Next(), rows.Next());
            s_compositions.Add(key, rows.Next());
        }

        s_scriptNames = new string[rows.Next()];
        for (int i = 0; i < s_scriptNames.Length; i++)
            s_scriptNames[i] = rows.NextName();
        for (int left = rows.Next(); left > 0; left--)
        {
            int first = rows.Next(), last = rows.Next(), script = rows.Next();
            s_scripts.Fill(first, last, script + 1);
        }
    }

    /// <summary>Canonical combining class: 0 for a starter, up to 254.</summary>
    public static int CombiningClass(int codePoint) => codePoint < 0x300 ? 0 : s_classes[codePoint];

    /// <summary>The full decomposition, canonical or compatible; empty where the code point stands for itself. Hangul is left to arithmetic.</summary>
    public static ReadOnlySpan<int> Decomposition(int codePoint, bool compatible)
    {
        if (codePoint < 0xA0)
            return default;
        int entry = s_decompositions[codePoint];
        int place = compatible ? s_compatible[entry] : s_canonical[entry];
        return s_pool.AsSpan(place >> 8, place & 0xFF);
    }

    /// <summary>The primary composite of the pair, Hangul left aside; -1 where there is none.</summary>
    public static int Compose(int first, int second) => s_compositions.TryGetValue(PairKey(first, second), out int composed) ? composed : -1;

    /// <summary>Number of the script property's value; -1 for a code point without one.</summary>
    public static int ScriptOf(int codePoint) => s_scripts[codePoint] - 1;

    /// <summary>Number of the script of that long name, as <c>Han</c> or <c>Old_Italic</c>, ignoring case and underscores; -1 for none.</summary>
    public static int ScriptNamed(ReadOnlySpan<char> name)
    {
        string plain = name.ToString().Replace("_", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal);
        return Array.FindIndex(s_scriptNames, script =>
            script.Replace("_", "", StringComparison.Ordinal).Equals(plain, StringComparison.OrdinalIgnoreCase));
    }

    private static long PairKey(int first, int second) => ((long)first << 32) | (uint)second;

    private sealed class TwoStage
    {
        private readonly ushort[] _blocks = new ushort[0x110000 >> BlockBits];
        private readonly List<ushort[]> _rows = [new ushort[BlockSize]];

        public int this[int codePoint] => _rows[_blocks[codePoint >> BlockBits]][codePoint & (BlockSize - 1)];

        public void Fill(int first, int last, int value)
        {
            for (int codePoint = first; codePoint <= last; codePoint++)
            {
                ref ushort block = ref _blocks[codePoint >> BlockBits];
                if (block == 0)
                {
                    block = (ushort)_rows.Count;
                    _rows.Add(new ushort[BlockSize]);
                }

                _rows[block][codePoint & (BlockSize - 1)] = checked((ushort)value);
            }
        }
    }

    private ref struct Rows(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _left = bytes;

        public int Next()
        {
            int value = BinaryPrimitives.ReadInt32LittleEndian(_left);
            _left = _left[4..];
            return value;
        }

        public string NextName()
        {
            string name = System.Text.Encoding.ASCII.GetString(_left.Slice(1, _left[0]));
            _left = _left[(1 + _left[0])..];
            return name;
        }
    }
}
