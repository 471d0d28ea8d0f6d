using System.Text;

namespace Fairlead.Upstreams.Http;

/// <summary>The headers in which providers name their request, for support cases. The first of the list that came wins.</summary>
internal static class RequestIdNames
{
    private static readonly byte[][] Names =
    [
        .. new[]
        {
            "x-request-id", "request-id", "apim-request-id", "x-ms-request-id", "x-baseten-request-id", "x-amzn-requestid", "x-trace-id", "x-fal-request-id", "cf-ray",
        }.Select(Encoding.ASCII.GetBytes),
    ];

    /// <summary>Higher is better; 0 for no such header.</summary>
    public static int Rank(ReadOnlySpan<byte> name)
    {
        if (name.Length is < 6 or > 20)
            return 0;
        for (int i = 0; i < Names.Length; i++)
        {
            if (Names[i].Length == name.Length && Ascii.EqualsIgnoreCase(Names[i], name))
                return Names.Length - i;
        }

        return 0;
    }
}
