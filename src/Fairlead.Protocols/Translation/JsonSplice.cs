using System.Buffers;
using Fairlead.Protocols.Buffers;

namespace Fairlead.Protocols.Translation;

/// <summary>Puts JSON into other JSON without reading it: as a string, or within one.</summary>
internal static class JsonSplice
{
    private static readonly SearchValues<byte> Special = SearchValues.Create(" \n\r\t\"\\"u8);

    /// <summary>Appends <paramref name="json"/>, without the white space between its parts, as it stands within a string.</summary>
    /// <param name="json">Checked JSON: no control character stands in it but as white space.</param>
    /// <param name="output">Stands within a string.</param>
    public static void CompactWithinString(ReadOnlySpan<byte> json, PooledBuffer output)
    {
        bool within = false;
        while (true)
        {
            int next = json.IndexOfAny(Special);
            if (next < 0)
            {
                output.Append(json);
                return;
            }
            output.Append(json[..next]);
            int taken = 1;
            switch (json[next])
            {
                case (byte)'"':
                    within = !within;
                    output.Append("\\\""u8);
                    break;
                case (byte)'\\': // the escape's letter cannot be taken for a quote then
                    taken = 2;
                    output.Append("\\\\"u8);
                    output.Append(json[next + 1] is (byte)'"' ? "\\\""u8 : json[next + 1] is (byte)'\\' ? "\\\\"u8 : json.Slice(next + 1, 1));
                    break;
                case var space when within:
                    output.Append([space]);
                    break;
            }
            json = json[(next + taken)..];
        }
    }
}
